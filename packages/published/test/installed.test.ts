import { nodeBinaries } from "@ckpt/node-binaries"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Packed, pack } from "./packed.js"
import { install, managerNames, type Project } from "./project.js"
import { publicPackages } from "./public-packages.js"

const entries = publicPackages.flatMap((one) => one.entries.map(({ name }) => name))

/** Works with both storages that need no SDK, and asks for the others. `load` is what brings a package. */
const body = (load: string) => `
const modules = {}
for (const name of ${JSON.stringify(entries)}) modules[name] = ${load}(name)
for (const name in modules) modules[name] = await modules[name]
const { createManifest, openFsStore } = modules["@ckpt/fs"]
const { openMemoryStore } = modules["@ckpt/memory"]
const told = []
for (const store of [await openFsStore("data-" + process.pid), await openMemoryStore()]) {
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: Buffer.from("whole") })
  const found = await store.recover({ depth: "deep" })
  const state = await (await found.checkpoint.state()).bytes()
  told.push(found.outcome + " " + Buffer.from(state))
  await store.close()
}
for (const [name, open, options] of [
  ["@ckpt/s3", "openS3Store", { bucket: "jobs" }],
  ["@ckpt/gcs", "openGcsStore", { bucket: "jobs" }],
  ["@ckpt/azure", "openAzureStore", { container: "jobs", connectionString: "UseDevelopmentStorage=true" }],
]) {
  const error = await modules[name][open](options).catch((error) => error)
  told.push(error.code + " " + error.message)
}
console.log(JSON.stringify([process.versions.node.split(".", 1)[0], process.versions.pnp !== undefined, ...told]))
`
const programs = {
  import: { file: "program.mjs", program: body("import") },
  require: { file: "program.cjs", program: `async function main() {${body("require")}}\nmain()` },
}

const missing = (name: string) => `CKPT_INVALID ${name} is not installed. Install it: npm install ${name}`

let packed: Packed
beforeAll(async () => {
  packed = await pack()
})
afterAll(() => packed.dispose())

describe.each(managerNames)("installed by %s", (manager) => {
  let project: Project
  beforeAll(async () => {
    project = await install(packed, manager)
  })
  afterAll(() => project.dispose())

  const cases = nodeBinaries()
    .flatMap((node) => Object.entries(programs).map(([how, program]) => ({ ...node, how, ...program })))
    // Plug'n'Play hooks into require() of an ES module from Node 22 on.
    .filter(({ major, how }) => !(manager === "yarn" && major === "20" && how === "require"))
  test.each(cases)("Node $major, $how", async ({ major, path, file, program }) => {
    expect(JSON.parse(await project.run(path, file, program))).toEqual([
      major,
      manager === "yarn",
      "recovered whole",
      "recovered whole",
      missing("@aws-sdk/client-s3"),
      missing("@google-cloud/storage"),
      missing("@azure/storage-blob"),
    ])
  })
})
