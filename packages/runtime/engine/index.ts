/** Settings of the JavaScript engine that it reads only when a program starts. */
export { collectOften } from './engine.ts';
