/** The rim of the extension: watches, writes, leader election, and the process `weft service-mirror`. */
export { LinkController, type LinkControllerDeps, type LinkControllerOptions } from './link-controller.ts';
export { LocalController, type LocalControllerOptions } from './local-controller.ts';
export { runServiceMirror } from './main.ts';
