import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { nodeBinaries } from "@ckpt/node-binaries"
import { expect, test } from "vitest"
import { gcs } from "./clouds/gcs.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { manifestOf } from "./faults/operations.js"

const packageFolder = join(import.meta.dirname, "..")
const cases = nodeBinaries().flatMap((node) =>
  ["own", "@google-cloud/storage", "google-cloud-storage-8"].map((client) => ({ ...node, client })),
)

// With the client's own retries, a single 503 on a download ends the process on Node 24 and later
// (googleapis/google-cloud-node#8670).
test.each(cases)("Node $major, client $client: 503s on downloads are survived", async ({ major, path, client }) => {
  await using at = await ProxiedBucket.create(gcs)
  const writer = await at.openDirect()
  await writer.save(manifestOf(1), { state: new TextEncoder().encode("whole") })
  // The first try of each download fails: of the history, of the pointer, of the manifest, and of the state.
  const failed = new Set<string>()
  at.proxy.inject({
    when: (request) => gcs.see(request).kind === "get",
    fault(request) {
      const key = gcs.see(request).key ?? ""
      if (failed.has(key)) return undefined
      failed.add(key)
      return { kind: "status", status: 503, body: "backend error" }
    },
  })
  const script = join(import.meta.dirname, "node", "recover-gcs.mjs")
  const args = [script, client, at.proxy.endpoint, at.bucket]
  const { stdout, stderr } = await promisify(execFile)(path, args, { cwd: packageFolder })
  expect(stderr).toBe("")
  expect(stdout).toMatch(new RegExp(`^v${major}\\.\\S+ recovered 1 whole\n$`))
  expect(failed.size).toBe(4)
})
