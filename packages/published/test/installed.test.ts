import { execFile } from "node:child_process"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { openFsStore } from "@ckpt/fs"
import { nodeBinaries } from "@ckpt/node-binaries"
import { build as esbuild } from "esbuild"
import { build as vite } from "vite"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Packed, pack } from "./packed.js"
import { install, managerNames, type Project } from "./project.js"
import { libraries, repository } from "./public-packages.js"

const entries = libraries.flatMap((one) => one.entries.map(({ name }) => name))

/** Works with both storages that need no SDK, keeps a thread in one by its URL, and asks for the others. `load` is what brings a package. */
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
const { CkptSaver } = modules["@ckpt/langgraph"]
const saver = new CkptSaver(await modules["@ckpt/fs"].fromUrl("file:./threads-" + process.pid))
const checkpoint = { v: 4, id: "1", ts: "", channel_values: { a: "kept" }, channel_versions: { a: 1 }, versions_seen: {} }
const config = { configurable: { thread_id: "1" } }
await saver.put(config, checkpoint, { source: "loop", step: 0, parents: {} }, { a: 1 })
told.push((await saver.getTuple(config)).checkpoint.channel_values.a)
await saver.close()
for (const [name, open, options, url] of [
  ["@ckpt/s3", "openS3Store", { bucket: "jobs" }, "s3://jobs/a"],
  ["@ckpt/gcs", "openGcsStore", { bucket: "jobs" }, "gs://jobs/a"],
  ["@ckpt/azure", "openAzureStore", { container: "jobs", connectionString: "UseDevelopmentStorage=true" }, "az://a/jobs"],
]) {
  for (const call of [() => modules[name][open](options), () => modules[name].fromUrl(url)]) {
    const error = await call().catch((error) => error)
    told.push(error.code + " " + error.message)
  }
}
console.log(JSON.stringify([process.versions.node.split(".", 1)[0], process.versions.pnp !== undefined, ...told]))
`
const programs = {
  import: { file: "program.mjs", program: body("import") },
  require: { file: "program.cjs", program: `async function main() {${body("require")}}\nmain()` },
}

/** The program of the repository's README, and one that has every package. */
const readme = await readFile(join(repository, "README.md"), "utf8")
const sources = {
  "job.ts": /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "",
  "consumer.ts": await readFile(join(import.meta.dirname, "consumer.ts"), "utf8"),
}

const sdks = ["@aws-sdk/client-s3", "@azure/storage-blob", "@google-cloud/storage"]

/** Asks for the clouds, whose SDKs are not installed. */
const clouds = `
import { openAzureStore } from "@ckpt/azure"
import { openGcsStore } from "@ckpt/gcs"
import { openS3Store } from "@ckpt/s3"
const told = ({ code, message }) => code + " " + message
console.log(await openAzureStore({ container: "jobs", connectionString: "UseDevelopmentStorage=true" }).catch(told))
console.log(await openGcsStore({ bucket: "jobs" }).catch(told))
console.log(await openS3Store({ bucket: "jobs" }).catch(told))
`

/** Each makes of a project's file one minified module that has all it needs. */
const bundlers = {
  esbuild: (root: string, file: string, outdir: string) =>
    esbuild({
      absWorkingDir: root,
      entryPoints: [file],
      outdir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      minify: true,
      platform: "node",
      format: "esm",
      target: "node20",
      external: sdks,
      logLevel: "silent",
    }),
  vite: (root: string, file: string, outDir: string) =>
    vite({
      root,
      configFile: false,
      logLevel: "silent",
      ssr: { noExternal: true },
      build: {
        ssr: file,
        outDir,
        emptyOutDir: false,
        minify: true,
        target: "node20",
        rolldownOptions: { external: sdks, output: { entryFileNames: "[name].mjs" } },
      },
    }),
}

/** The program of the README saves a checkpoint in an empty folder, and then goes on from there. Both runs print nothing. */
async function runsTwice(folder: string, run: () => Promise<string>): Promise<void> {
  for (const ids of [[1], [1, 2]]) {
    expect(await run()).toBe("")
    await using store = await openFsStore(join(folder, "data"))
    expect(await store.ids()).toEqual(ids)
  }
  await rm(join(folder, "data"), { recursive: true })
}

async function node(file: string, cwd: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd })
  return stderr + stdout
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

  test.each([
    { moduleResolution: "nodenext", module: "nodenext" },
    { moduleResolution: "bundler", module: "esnext" },
  ])("TypeScript, module resolution $moduleResolution", async (settings) => {
    await project.compile(sources, { ...settings, target: "es2022", strict: true, skipLibCheck: true })
    await runsTwice(project.folder, () => project.run(process.execPath, "out/job.js"))
  })

  // Vite needs a plugin under Plug'n'Play. The folders of pnpm are links to what npm lays in place.
  const chosen = { npm: ["esbuild", "vite"], pnpm: ["vite"], yarn: ["esbuild"] }[manager]
  const bundling = Object.entries(bundlers).filter(([bundler]) => chosen.includes(bundler))
  test.each(bundling)("bundles by %s have all they need", async (_, bundle) => {
    const folder = await mkdtemp(join(tmpdir(), "ckpt-bundled-"))
    try {
      for (const [file, text] of Object.entries({ "job.ts": sources["job.ts"], "clouds.mjs": clouds })) {
        await writeFile(join(project.folder, file), text)
        await bundle(project.folder, file, folder)
      }
      expect((await readdir(folder)).toSorted()).toEqual(["clouds.mjs", "job.mjs"])
      await runsTwice(folder, () => node("job.mjs", folder))
      const told = [sdks[1], sdks[2], sdks[0]].map((sdk = "") => `${missing(sdk)}\n`)
      expect(await node("clouds.mjs", folder)).toBe(told.join(""))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

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
      "kept",
      ...["@aws-sdk/client-s3", "@google-cloud/storage", "@azure/storage-blob"].flatMap((sdk) => [
        missing(sdk),
        missing(sdk),
      ]),
    ])
  })
})
