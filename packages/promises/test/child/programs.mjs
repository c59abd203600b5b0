// Checks of promises that no scenario can see, since they are about one storage, about the command, or about the packages.
import { threadPrograms } from "./programs/agent-threads.mjs"
import { agentPrograms } from "./programs/agents.mjs"
import { claimPrograms } from "./programs/claims.mjs"
import { commandPrograms } from "./programs/command.mjs"
import { filesystemPrograms } from "./programs/filesystem.mjs"
import { pagePrograms } from "./programs/page.mjs"
import { securityPrograms } from "./programs/security.mjs"
import { suitePrograms } from "./programs/suite.mjs"
import { versionPrograms } from "./programs/versions.mjs"

/** @type {Record<string, (variants: import("./programs/support.mjs").Variants) => Promise<void>>} */
export const programs = {
  ...filesystemPrograms,
  ...claimPrograms,
  ...securityPrograms,
  ...commandPrograms,
  ...pagePrograms,
  ...suitePrograms,
  ...versionPrograms,
  ...agentPrograms,
  ...threadPrograms,
}
