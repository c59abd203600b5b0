import { mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { Interrupted } from "../src/program.js"
import { ckpt, objects } from "./ckpt.js"
import { damage, opened, seed } from "./seed.js"
import { fileStorage, flagsOf, folder, memoryStorage } from "./storages.js"

const fsModule = fileURLToPath(new URL("../node_modules/@ckpt/fs/dist/index.js", import.meta.url))

describe("the doctor", () => {
  test("tells damage below the latest checkpoint, and what it did not read", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 20)
    const of = (id: number) => join(place.url.slice("file:".length), "checkpoints", `checkpoint_0000${id}`)
    await damage(place, 20)
    await truncate(join(of(19), "manifest.json"), 100)
    await rm(join(of(18), "manifest.json"))
    await rm(join(of(17), "state.bin"))
    await truncate(join(of(16), "state.bin"), 10)
    const { code, stdout, stderr } = await ckpt(["doctor", place.url])
    expect(code).toBe(1)
    expect(stdout).toContain(
      `✗ checkpoints: 19 checkpoints, 3 damaged (19, 17, 16), 1 state without a manifest (18); bytes were not read: ckpt verify ${place.url} latest --deep reads those of the latest`,
    )
    expect(stdout).not.toContain("would be recovered")
    expect(stderr).toBe("1 problem\n")
  })

  test("a state without a manifest, alone, is a warning: an interrupted save leaves one too", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 3)
    await rm(join(place.url.slice("file:".length), "checkpoints/checkpoint_000002/manifest.json"))
    const { stdout } = await ckpt(["doctor", place.url])
    expect(stdout).toContain("! checkpoints: 2 checkpoints, 1 state without a manifest (2)")
    expect(stdout).toContain("look for it in a copy before ckpt gc removes the state")
  })

  test("promises nothing of bytes that it did not read", async () => {
    const place = await memoryStorage.newPlace()
    await seed(place, 2)
    const { code, stdout } = await ckpt(["doctor", place.url, ...flagsOf(place)])
    expect(code).toBe(0)
    expect(stdout).toContain(
      `✓ checkpoints: 2 checkpoints; bytes were not read: ckpt verify ${place.url} latest --deep`,
    )
  })

  test("removes its object though it is interrupted", async () => {
    const place = await memoryStorage.newPlace()
    await seed(place, 1)
    const stop = new AbortController()
    const seen: string[] = []
    await using found = await opened(place)
    const interrupted = await ckpt(["doctor", place.url, ...flagsOf(place)], {
      signal: stop.signal,
      async onOutput(text) {
        seen.push(text)
        if (text.includes("create only if absent: honoured")) stop.abort(new Interrupted(130))
      },
    })
    expect(interrupted).toMatchObject({ code: 130, stderr: "ckpt: interrupted\n" })
    expect(seen.join("")).not.toContain("read: allowed")
    const keys: string[] = []
    for await (const { key } of found.backend.list("")) keys.push(key)
    expect(keys.filter((key) => key.includes(".ckpt-probe"))).toEqual([])
  })

  test("of a claimed folder says in one finding why it did not try to write", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 1)
    await using found = await opened(place)
    await (await found.store.claim()).release()
    const findings = objects(await ckpt(["doctor", place.url, "--json"]))
    expect(findings.filter(({ status }) => status === "skipped")).toMatchObject([
      { check: "permissions of a writer", found: "the store is claimed, so that only its leader may write" },
    ])
  })

  test("of a folder within a store is a finding, with the advice to open the store", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 1)
    const { code, stdout, stderr } = await ckpt(["doctor", `${place.url}/checkpoints`])
    expect({ code, stderr }).toEqual({ code: 1, stderr: "1 problem\n" })
    expect(stdout).toMatch(
      /^✗ checkpoints: nothing was saved on fs here, but checkpoint_000001.*\n {4}Give the URL of the store/m,
    )
    expect(stdout).toContain("other Unicode form")
  })

  test("writes nothing into a folder that holds no store", async () => {
    const dir = await folder()
    for (const name of ["empty", "other"]) await mkdir(join(dir, name))
    await writeFile(join(dir, "other", "notes.txt"), "notes")
    for (const [name, files] of Object.entries({ empty: [], other: ["notes.txt"] })) {
      const { code, stdout } = await ckpt(["doctor", `file:${join(dir, name)}`])
      expect(code).toBe(0)
      expect(stdout).toContain("- permissions of a writer: no store is here, so nothing was written to try them")
      expect(await readdir(join(dir, name))).toEqual(files)
    }
  })

  test("a disk that is mounted read-only: one finding for each question, and the advice is of mounting", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 2)
    const dir = await folder()
    const root = JSON.stringify(place.url.slice("file:".length))
    await writeFile(
      join(dir, "read-only.mjs"),
      `import { BackendError } from ${JSON.stringify(fileURLToPath(new URL("../node_modules/@ckpt/core/dist/index.js", import.meta.url)))}
      import { FsBackend } from ${JSON.stringify(fsModule)}
      export default () => {
        const backend = new FsBackend(${root}, { readOnly: true })
        const cause = Object.assign(new Error("EROFS: read-only file system, open"), { code: "EROFS" })
        backend.put = async () => { throw new BackendError("denied", "read-only file system", { cause }) }
        backend.delete = async () => []
        return backend
      }`,
    )
    const args = ["doctor", "disk:x", "--backend", "./read-only.mjs", "--layout", "directory", "--json"]
    const findings = objects(await ckpt(args, { cwd: dir }))
    const checks = findings.map(({ check }) => check)
    expect(new Set(checks).size).toBe(checks.length)
    const of = (name: string) => findings.find(({ check }) => check === name)
    expect(of("create")).toMatchObject({ status: "problem", advice: expect.stringContaining("Mount it for writing") })
    expect(of("delete")).toMatchObject({ status: "skipped", found: "nothing could be created" })
  })
})
