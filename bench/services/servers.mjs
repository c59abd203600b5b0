// The servers of the tests, in a process of their own.
import { startGcsServer } from "../../packages/gcs-server/dist/index.js"
import { startAzureServer, startS3Server } from "../../packages/test-servers/dist/index.js"
import { serve } from "./service.mjs"

/** @type {{ stop(): Promise<void> }[]} */
const running = []

/**
 * The addresses and keys of a server, which can be sent to another process.
 *
 * @param {object | undefined} server
 */
function told(server) {
  if (server === undefined) return undefined
  running.push(/** @type {any} */ (server))
  return Object.fromEntries(Object.entries(server).filter(([, value]) => typeof value === "string"))
}

serve(
  {
    s3: async () => told(await startS3Server()),
    azure: async () => told(await startAzureServer()),
    gcs: async () => told(await startGcsServer()),
  },
  () => Promise.all(running.map((server) => server.stop())),
)
