export type { CkptSaverEvent, CkptSaverOptions } from "./options.js"
export { CkptSaver } from "./saver.js"
