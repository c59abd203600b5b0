import type { CallInfo } from "../../harness/faults.js"
import { isProbe } from "../support.js"

const changing: ReadonlySet<string> = new Set(["put", "complete", "commit", "delete"])

/**
 * The calls at which a process is killed: those that change what others see, without the check before the first write. To die at a
 * read is to die before the next change.
 */
export const isChange = ({ call, key }: CallInfo): boolean => changing.has(call) && !isProbe(key)
