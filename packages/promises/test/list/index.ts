import type { OnePromise } from "../promise.js"
import { agentPromises } from "./agents.js"
import { callPromises } from "./calls.js"
import { claimPromises } from "./claims.js"
import { commandPromises } from "./command.js"
import { copyPromises } from "./copying.js"
import { filesystemPromises } from "./filesystem.js"
import { processPromises } from "./processes.js"
import { readingPromises } from "./reading.js"
import { removingPromises } from "./removing.js"
import { savingPromises } from "./saving.js"
import { securityPromises } from "./security.js"
import { pagePromises } from "./serving.js"
import { storagePromises } from "./storages.js"
import { versionPromises } from "./versions.js"

/** Every promise, by what it is about. */
export const promises: Readonly<Record<string, readonly OnePromise[]>> = {
  Saving: savingPromises,
  Reading: readingPromises,
  Claims: claimPromises,
  "Retention and removal": removingPromises,
  "Time-outs, retries, ends": callPromises,
  Copying: copyPromises,
  "Each storage": storagePromises,
  "The filesystem": filesystemPromises,
  "Several processes on one folder": processPromises,
  "The command": commandPromises,
  "The page": pagePromises,
  "Other releases": versionPromises,
  "What is not trusted": securityPromises,
  Agents: agentPromises,
}
