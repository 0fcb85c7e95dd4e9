/** Settings of the JavaScript engine that it reads only when a program starts. */
export { tuneMemory } from './engine.ts';
