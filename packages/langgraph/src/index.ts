export type { ExpireThreadsOptions } from "./expire.js"
export type { CkptSaverEvent, CkptSaverOptions } from "./options.js"
export type { PrunedThread, PruneThreadOptions } from "./rules.js"
export { CkptSaver } from "./saver.js"
