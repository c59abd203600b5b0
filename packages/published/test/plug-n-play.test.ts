import { afterAll, beforeAll, expect, test } from "vitest"
import { type Packed, pack } from "./packed.js"
import { install, type Project } from "./project.js"

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
let project: Project
beforeAll(async () => {
  packed = await pack()
  project = await install(packed, "yarn")
})
afterAll(async () => {
  await packed.dispose()
  await project.dispose()
})

test("@ckpt/fs works where Yarn 4 installed it by Plug'n'Play", async () => {
  const told = await project.run(process.execPath, "program.mjs", program)
  expect(told).toContain("done under Plug'n'Play")
})
