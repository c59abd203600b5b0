import { execFile } from "node:child_process"
import { once } from "node:events"
import { chmod, cp, mkdir, readFile, realpath, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { openFsStore } from "@ckpt/fs"
import { describe, expect, test } from "vitest"
import { ckpt, memoryModule, objects } from "./ckpt.js"
import { opened, seed } from "./seed.js"
import { fileStorage, flagsOf, folder, gcsStorage, memoryStorage, s3Storage } from "./storages.js"

const packageFolder = fileURLToPath(new URL("..", import.meta.url))

describe("what is written wrongly is 2, and says how to write it", () => {
  test.each([
    [["ls"], "missing required argument 'store'"],
    [["ls", "./data"], "For a folder write file:./data"],
    [["ls", "C:\\data"], "For a folder write file:///C:/data"],
    [["ls", ""], "the URL of the store is empty"],
    [["ls", "file:"], "file: has no folder"],
    [["ls", "file:./a#b"], "%23 for #"],
    [["ls", "s3://"], "has no bucket; write s3://bucket/prefix"],
    [["ls", "s3://bucket/a//b"], "prefix"],
    [["ls", "s3://bucket/../b"], "prefix"],
    [["ls", "s3://key:hunter2@bucket/x"], "credentials do not belong into a URL"],
    [["ls", "az://account"], "has no container"],
    [["ls", "az://account/container/a./b"], "ends with a dot"],
    [["ls", "http://host/bucket"], "the scheme http: is unknown"],
    [["ls", "file:./data", "--layout", "flat"], "Allowed choices are directory, objects"],
    [["ls", "file:./data", "--backend", "./no-such-module.js"], "--backend ./no-such-module.js cannot be loaded"],
    [["ls", "file:./data", "--jsno"], "Did you mean --json?"],
    [["lss", "file:./data"], "Did you mean ls?"],
    [["prune", "file:./data", "3"], "is no rule. Give rules such as last=3"],
    [["prune", "file:./data", "last=0"], "is no rule"],
    [["prune", "file:./data", "last=3,last=2"], "last stands there twice"],
    [["prune", "file:./data", "within=1d,last=3,within=2d"], "within stands there twice"],
    [["ls", "file:./data", "--last", "0"], "Give a whole number from 1"],
    [["verify", "file:./data"], "give either the checkpoints, such as latest, or --all"],
    [["verify", "file:./data", "1", "--all"], "give either"],
    [["verify", "file:./data", "--all", "--sample", "20"], "Give a share such as 20%"],
    [["watch", "file:./data", "--every", "5"], "such as 500ms, 30s, 5m"],
    [["copy", "file:./a", "file:./b", "--id", "1", "--follow"], "not both"],
    [["import", "file:./data", "incident.tar"], "give the tar first, then the store"],
    [["rm", "file:./data", "latest"], "rm takes ids alone"],
    [["ls", "s3://bucket/x", "--credentials", "./no-such-file"], "cannot be read"],
    [["ls", "s3://bucket/x", "--endpoint", "localhost"], "endpoint"],
  ])("ckpt %j", async (args, message) => {
    const { code, stdout, stderr } = await ckpt(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^ckpt: /)
    expect(stderr).not.toContain("hunter2")
  })

  test("--version, --help and help <command> are no mistakes", async () => {
    const { version } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8"))
    expect(await ckpt(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" })
    for (const args of [["--help"], ["help", "copy"], ["prune", "--help"]]) {
      expect(await ckpt(args)).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Usage: ckpt") })
    }
    expect((await ckpt(["copy", "--help"])).stdout).toContain("$ ckpt copy file:./data s3://bucket/job")
  })

  test("no command at all shows the help, on stderr", async () => {
    const { code, stdout, stderr } = await ckpt([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain("Usage: ckpt")
  })
})

describe("a storage that cannot be reached is 3", () => {
  test("a folder that is not there", async () => {
    const missing = await ckpt(["ls", `file:${await folder()}/nope`])
    expect(missing).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("Mount or create it") })
    expect(missing.stderr).not.toContain("mustExist")
  })

  test.each([gcsStorage, s3Storage].filter(({ runs }) => runs))("$name where nobody listens", async (storage) => {
    const place = await storage.newPlace()
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as { port: number }
    server.close()
    const flags = flagsOf({ ...place, flags: { ...place.flags, endpoint: `http://127.0.0.1:${port}` } })
    for (const name of ["ls", "doctor"]) {
      const { code, stderr, stdout } = await ckpt([name, place.url, ...flags])
      expect(code).toBe(3)
      expect(stderr).toContain("ECONNREFUSED")
      if (name === "doctor") expect(stdout).toContain("✗ reachable")
    }
  })

  test.runIf(s3Storage.runs)("a bucket that does not exist, and credentials that are wrong", async () => {
    const place = await s3Storage.newPlace()
    const missing = await ckpt(["ls", "s3://no-such-bucket-at-all/x", ...flagsOf(place)])
    expect(missing).toMatchObject({ code: 3 })
    const dir = await folder()
    await writeFile(join(dir, "wrong.json"), JSON.stringify({ accessKeyId: "nobody", secretAccessKey: "do-not-print" }))
    const wrong = { ...place, flags: { ...place.flags, credentials: join(dir, "wrong.json") } }
    const denied = await ckpt(["ls", wrong.url, ...flagsOf(wrong), "--json"])
    expect(denied.code).toBe(3)
    expect(objects({ stdout: denied.stderr })[0]).toMatchObject({
      v: 1,
      type: "error",
      code: "CKPT_DENIED",
      exitCode: 3,
    })
    expect(denied.stderr).not.toContain("do-not-print")
  })

  test("a service that stands still, after --timeout", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1")
    await once(silent, "listening")
    const { port } = silent.address() as { port: number }
    const place = await gcsStorage.newPlace()
    const outcome = await ckpt(["ls", place.url, "--endpoint", `http://127.0.0.1:${port}`, "--timeout", "100ms"])
    expect(outcome).toMatchObject({ code: 3, stderr: expect.stringContaining("no answer for 100 ms") })
    silent.close()
  })
})

describe("a folder of a store, one level too deep", () => {
  test.each(["checkpoints", "manifests"])("%s", async (name) => {
    const dir = await folder()
    const store = await openFsStore(dir, { layout: name === "checkpoints" ? "directory" : "objects" })
    await store.saveNext()
    await store.close()
    const recovered = await ckpt(["recover", `file:${join(dir, name)}`])
    expect(recovered).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("CKPT_INVALID") })
    const listed = await ckpt(["ls", `file:${join(dir, name)}`])
    expect(listed.stderr).toContain("is the URL right?")
  })
})

describe("layouts", () => {
  test("each is found by looking; both at once must be said, and the doctor tells of the other", async () => {
    const dir = await folder()
    for (const layout of ["objects", "directory"] as const) {
      const store = await openFsStore(dir, { layout })
      await store.saveNext({ labels: { layout } })
      await store.close()
      if (layout === "objects") expect((await ckpt(["ls", `file:${dir}`])).stdout).toContain("layout=objects")
    }
    const both = await ckpt(["ls", `file:${dir}`])
    expect(both.code).toBe(2)
    expect(both.stderr).toContain("--layout directory or --layout objects")
    expect((await ckpt(["ls", `file:${dir}`, "--layout", "directory"])).stdout).toContain("layout=directory")
    const doctor = await ckpt(["doctor", `file:${dir}`, "--layout", "directory"])
    expect(doctor.code).toBe(1)
    expect(doctor.stdout).toContain('✗ other layout: checkpoints of the layout "objects" lie here too')
  })

  test("a copy may go from one layout to the other", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 2)
    const to = `file:${await folder()}`
    expect((await ckpt(["copy", place.url, to, "--to-layout", "objects"])).code).toBe(0)
    const listed = objects(await ckpt(["ls", to, "--layout", "objects", "--json"]))
    expect(listed.map(({ id, valid }) => [id, valid])).toEqual([
      [1, true],
      [2, true],
    ])
  })
})

describe("the doctor", () => {
  test("tells of a name that looks the same", async () => {
    const dir = await folder()
    for (const form of ["NFC", "NFD"] as const) {
      await seed({ url: `file:${join(dir, "caf\u00e9".normalize(form))}`, flags: {} }, 1)
    }
    const { code, stdout } = await ckpt(["doctor", `file:${join(dir, "caf\u00e9")}`])
    expect(code).toBe(1)
    expect(stdout).toContain("✗ other Unicode form")
    expect(stdout).toContain("cafe\\u0301")
  })

  test("tells of a lost history, a pointer that lags, and leftovers", async () => {
    const place = await memoryStorage.newPlace()
    await seed(place, 3)
    await using found = await opened(place)
    await found.backend.put("manifests/latest.json", [Buffer.from('{"checkpoint_id":1}')])
    expect((await ckpt(["doctor", place.url, ...flagsOf(place)])).stdout).toContain(
      "! pointer: it names 1, and the latest checkpoint is 3",
    )
    await found.backend.put("manifests/history.json", [Buffer.from("garbled")])
    const garbled = await ckpt(["doctor", place.url, ...flagsOf(place)])
    expect(garbled.code).toBe(1)
    expect(garbled.stdout).toContain("✗ history")
    expect(garbled.stdout).toContain("repair()")
    const refused = await ckpt(["prune", place.url, "last=1", "--yes", ...flagsOf(place)])
    expect(refused.code).toBe(1)
  })

  test("tells of a storage that ignores conditions", async () => {
    const dir = await folder()
    const body = await readFile(memoryModule, "utf8")
    await writeFile(
      join(dir, "careless.mjs"),
      `${body.replaceAll("@ckpt/memory", fileURLToPath(new URL("../node_modules/@ckpt/memory/dist/index.js", import.meta.url))).replace("export default", "const make =")}
      export default (url) => {
        const backend = make(url)
        const put = backend.put.bind(backend)
        return Object.assign(Object.create(backend), {
          put: (key, body, { when: _, ...options } = {}) => put(key, body, options),
          get: backend.get.bind(backend), head: backend.head.bind(backend), list: backend.list.bind(backend),
          delete: backend.delete.bind(backend), now: backend.now.bind(backend),
        })
      }`,
    )
    // A doctor tries nothing where no store is.
    await seed({ url: "memory:careless", flags: { backend: memoryModule } }, 1)
    const { code, stdout } = await ckpt(["doctor", "memory:careless", "--backend", "./careless.mjs"], { cwd: dir })
    expect(code).toBe(1)
    expect(stdout).toContain("✗ create only if absent: the condition was ignored")
    expect(stdout).toContain("✗ replace only this version: the condition was ignored")
  })

  test("writes nothing with --read-only", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 1)
    const dir = place.url.slice("file:".length)
    await chmod(join(dir, "checkpoints"), 0o555)
    const { code, stdout } = await ckpt(["doctor", place.url, "--read-only"])
    expect(code).toBe(0)
    expect(stdout).toContain("- permissions of a writer: --read-only was given")
    await chmod(join(dir, "checkpoints"), 0o755)
  })
})

describe("a backend by module", () => {
  test.each([
    ["export default 7", "exports the number 7 as default"],
    ["export default () => ({ put() {} })", "gave an object without get()"],
    ["throw new Error('broken on purpose')", "cannot be loaded: broken on purpose"],
  ])("%s", async (text, message) => {
    const dir = await folder()
    await writeFile(join(dir, "backend.mjs"), text)
    const { code, stderr } = await ckpt(["ls", "mine://x", "--backend", "./backend.mjs"], { cwd: dir })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

/** The command as it is installed beside nothing but what it depends on. */
async function installedAlone(): Promise<string> {
  const root = await folder()
  const own = join(root, "node_modules/@ckpt/cli")
  for (const file of ["package.json", "dist"]) await cp(join(packageFolder, file), join(own, file), { recursive: true })
  const { dependencies } = JSON.parse(await readFile(join(own, "package.json"), "utf8"))
  for (const name of Object.keys(dependencies)) {
    await mkdir(join(root, "node_modules", name, ".."), { recursive: true })
    await symlink(await realpath(join(packageFolder, "node_modules", name)), join(root, "node_modules", name))
  }
  return join(own, "dist/bin.js")
}

test("only the package of the scheme is loaded, and a missing one says what to install", async () => {
  const bin = await installedAlone()
  const place = await fileStorage.newPlace()
  await seed(place, 1)
  const run = promisify(execFile)
  const listed = await run(process.execPath, [bin, "ls", place.url, "--json"])
  expect(objects(listed)).toHaveLength(1)
  const missing = {
    s3: ["s3://bucket/x", "@ckpt/s3"],
    gs: ["gs://bucket/x", "@ckpt/gcs"],
    az: ["az://account/container", "@ckpt/azure"],
  }
  for (const [url = "", name = ""] of Object.values(missing)) {
    const failed = await run(process.execPath, [bin, "ls", url]).catch(
      (error: { code: number; stderr: string }) => error,
    )
    expect(failed).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${name} is not installed. Install it: npm install ${name}`),
    })
  }
})
