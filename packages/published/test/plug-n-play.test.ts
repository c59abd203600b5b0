import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type Packed, pack } from "./packed.js"

const run = promisify(execFile)
const yarn = createRequire(import.meta.url).resolve("@yarnpkg/cli-dist/bin/yarn.js")

/** Says what Plug'n'Play does to open files, then works with a store in both layouts. */
const program = `
import assert from "node:assert/strict"
import { open } from "node:fs/promises"
import { createManifest, openFsStore } from "@ckpt/fs"

assert.notEqual(process.versions.pnp, undefined)
const handle = await open("program.mjs")
await assert.rejects(async () => handle.sync(), /not implemented/)
await handle.close()

for (const layout of ["directory", "objects"]) {
  const store = await openFsStore("data-" + layout, { layout })
  const state = [Buffer.alloc(1000, "a"), Buffer.alloc(20 << 20, "b")]
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
  await store.save(createManifest({ checkpointId: 2, epoch: 2 }), { operators: { window: new Uint8Array(10) } })
  await store.update(2, (current) => ({ ...current, epoch: 3 }))
  await store.pin(1, "one")
  const leader = await store.claim()
  await leader.save(createManifest({ checkpointId: 3, epoch: 4 }))
  assert.deepEqual((await leader.prune({ last: 1 })).removed, [2])
  const read = await (await leader.readState(1)).bytes()
  assert.ok(Buffer.concat(state).equals(read))
  const found = await leader.recover({ depth: "deep" })
  assert.equal(found.checkpoint.id, 3)
  await leader.close()
  await store.close()
}
console.log("done under Plug'n'Play " + process.versions.pnp)
`

let packed: Packed
let folder: string
beforeAll(async () => {
  packed = await pack()
  folder = await mkdtemp(join(tmpdir(), "ckpt-yarn-"))
})
afterAll(async () => {
  await packed.dispose()
  await rm(folder, { recursive: true, force: true })
})

test("@ckpt/fs works where Yarn 4 installed it by Plug'n'Play", async () => {
  const core = `file:${packed.path("@ckpt/core")}`
  const project = {
    name: "project",
    private: true,
    dependencies: { "@ckpt/fs": `file:${packed.path("@ckpt/fs")}` },
    resolutions: { "@ckpt/core": core },
  }
  // Tarballs alone are installed, so no registry is asked.
  const settings = [
    "nodeLinker: pnp",
    "enableNetwork: false",
    "enableTelemetry: false",
    "enableGlobalCache: false",
    "enableImmutableInstalls: false",
    `globalFolder: ${join(folder, "yarn")}`,
  ]
  await writeFile(join(folder, "package.json"), JSON.stringify(project))
  await writeFile(join(folder, "yarn.lock"), "")
  await writeFile(join(folder, ".yarnrc.yml"), `${settings.join("\n")}\n`)
  await writeFile(join(folder, "program.mjs"), program)
  // The runner's own settings are none of the project's.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS)/i.test(name)))
  await run(process.execPath, [yarn, "install"], { cwd: folder, env })
  const { stdout } = await run(process.execPath, [yarn, "node", "program.mjs"], { cwd: folder, env })
  expect(stdout).toContain("done under Plug'n'Play")
})
