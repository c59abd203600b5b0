import { mkdir, readFile, symlink, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { ckpt, objects } from "./ckpt.js"
import { opened, seed } from "./seed.js"
import { fileStorage, flagsOf, folder, gcsStorage, memoryStorage } from "./storages.js"

/** What people type at three in the morning. */
describe("an option", () => {
  test.each([
    [
      ["cat", "file:./data", "1", "--operator", "a", "--operator", "b"],
      "option '--operator <name>' stands there twice",
    ],
    [["ls", "file:./data", "--last", "1", "--last=2"], "option '--last <n>' stands there twice"],
    [["copy", "file:./a", "file:./b", "--follow", "--follow", "5s"], "option '--follow [every]' stands there twice"],
    [["ls", "file:./data", "--timeout", "0s"], "Give a time above 0, such as 30s"],
    [["watch", "file:./data", "--every", "0s"], "Give a time above 0"],
    [["copy", "file:./a", "file:./b", "--follow", "0s"], "Give a time above 0"],
    [["serve", "file:./data", "--verify-every", "0ms"], "Give a time above 0"],
    [["copy", "file:./a", "s3://bucket/x", "--region", "eu-central-1"], "for the other store give --to-region"],
    [["copy", "s3://bucket/x", "file:./a", "--to-credentials", "c"], "for the other store give --credentials"],
    // The name of a host is one word, so that the store behind it is the store.
    [["serve", "--allow-host", "ckpt.internal", "nonsense"], '"nonsense" is no URL of a store'],
  ])("that is a slip is 2: %j", async (args, message) => {
    const outcome = await ckpt(args)
    expect(outcome).toMatchObject({ code: 2, stdout: "" })
    expect(outcome.stderr).toContain(message)
  })

  test("may stand before the stores, and --id more than once", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 4)
    const to = `file:${await folder()}`
    expect((await ckpt(["copy", "--id", "before-upgrade", "--id", "4", place.url, to])).code).toBe(0)
    expect(objects(await ckpt(["ls", to, "--json"])).map(({ id }) => id)).toEqual([2, 4])
  })
})

describe("a copy", () => {
  test("of a store onto itself is refused, however the folder is written", async () => {
    const dir = await folder()
    await seed({ url: `file:${join(dir, "data")}`, flags: {} }, 1)
    await symlink(join(dir, "data"), join(dir, "link"))
    for (const to of ["file:./data", "file:data/", `file://${dir}/data`, "file:./link"]) {
      const { code, stdout, stderr } = await ckpt(["copy", "file:./data", to], { cwd: dir })
      expect({ to, code, stdout }).toEqual({ to, code: 2, stdout: "" })
      expect(stderr).toContain("both URLs are of one store")
    }
    for (const [storage, slash] of [
      [memoryStorage, ""],
      [gcsStorage, "/"],
    ] as const) {
      const place = await storage.newPlace()
      await seed(place, 1)
      const args = ["copy", place.url, `${place.url}${slash}`, ...flagsOf(place), ...flagsOf(place, "to-")]
      expect((await ckpt(args)).stderr).toContain("both URLs are of one store")
    }
    // The other layout of one folder is another store.
    expect((await ckpt(["copy", "file:./data", "file:./data", "--to-layout", "objects"], { cwd: dir })).code).toBe(0)
  })

  test("says that it goes on only where it does", async () => {
    const [place, other] = await Promise.all([fileStorage.newPlace(), fileStorage.newPlace()])
    await seed(place, 2)
    await using found = await opened(other)
    await found.store.saveNext({ labels: { of: "another job" } })
    const conflict = await ckpt(["copy", place.url, other.url])
    expect(conflict).toMatchObject({ code: 1, stderr: expect.stringContaining("CKPT_CONFLICT") })
    expect(conflict.stderr).not.toContain("goes on from there")
    const missing = await ckpt(["copy", place.url, `file:${await folder()}`, "--id", "1", "--id", "99"])
    expect(missing.stderr).toContain("copied before it ended: 1 checkpoint\n")
    expect(missing.stderr).toContain("checkpoint 99 does not exist")
  })
})

describe("a pin", () => {
  test.each(["latest", "7"])("is not called %s, which names a checkpoint already", async (name) => {
    const place = await fileStorage.newPlace()
    await seed(place, 2)
    const outcome = await ckpt(["pin", place.url, "1", name])
    expect(outcome).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("take another name") })
  })

  test("is removed under the name that show takes", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 2)
    {
      await using found = await opened(place)
      await found.store.pin(1, "7")
    }
    expect((await ckpt(["show", place.url, "pin:7"])).stdout).toMatch(/^checkpoint +1$/m)
    expect(await ckpt(["unpin", place.url, "pin:7"])).toMatchObject({ code: 0, stdout: "unpinned 7\n" })
    expect((await ckpt(["show", place.url, "pin:7"])).code).toBe(1)
  })
})

test("verify of an id that does not exist is no damage, and the others are verified", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 2)
  const { code, stdout, stderr } = await ckpt(["verify", place.url, "1", "9"])
  expect({ code, stdout }).toEqual({ code: 1, stdout: "✓ valid  1\n" })
  expect(stderr).toContain("checkpoint 9 does not exist; ckpt ls shows those that do.")
  expect(stderr).toMatch(/^1 checkpoint verified in .*: all valid; 1 not there$/m)
  const [verdict, summary] = objects(await ckpt(["verify", place.url, "1", "9", "--json"]))
  expect(verdict).toMatchObject({ type: "verdict", id: 1, valid: true })
  expect(summary).toMatchObject({ type: "verify-summary", checked: 1, damaged: 0, gone: [9] })
})

test.each(["checkpoints", "manifests"])("a URL that goes on to %s/ is told where it ends", async (name) => {
  const dir = await folder()
  await mkdir(join(dir, name))
  for (const args of [["ls"], ["prune", "last=1"], ["gc"], ["recover"]]) {
    const [command = "", ...rest] = args
    const { code, stderr } = await ckpt([command, `file:${join(dir, name)}/`, ...rest])
    expect({ args, code }).toEqual({ args, code: 0 })
    expect(stderr).toContain(`is the URL right? That of a store ends before ${name}/`)
  }
})

describe("import", () => {
  test("names what it took", async () => {
    const dir = await folder()
    const place = await fileStorage.newPlace()
    await seed(place, 3)
    await ckpt(["export", place.url, "3", "one.tar"], { cwd: dir })
    const first = await ckpt(["import", "one.tar", "file:./other"], { cwd: dir })
    expect(first.stderr).toMatch(/^1 checkpoint copied \(3\), 0 there already, in /m)
    const again = await ckpt(["import", "one.tar", "file:./other"], { cwd: dir })
    expect(again.stderr).toMatch(/^0 checkpoints copied, 1 there already \(3\), in /m)
  })

  test("of a compressed tar says how to unpack it", async () => {
    const dir = await folder()
    const place = await fileStorage.newPlace()
    await seed(place, 1)
    await ckpt(["export", place.url, "1", "one.tar"], { cwd: dir })
    await writeFile(join(dir, "one.tar.gz"), gzipSync(await readFile(join(dir, "one.tar"))))
    const { code, stderr } = await ckpt(["import", "one.tar.gz", "file:./other"], { cwd: dir })
    expect(code).toBe(1)
    expect(stderr).toContain("it is compressed: gunzip -c FILE | ckpt import - STORE")
  })
})

describe("on a narrow terminal, and in a pipe", () => {
  test("the names that are needed next are cut last, and a pipe cuts nothing of them", async () => {
    const place = await fileStorage.newPlace()
    await using found = await opened(place)
    const pin = "before-the-upgrade-of-2026-03"
    const sinkCommitStatuses = { warehouse: { status: "failed", message: "no room" } } as const
    for (const _ of [1, 2])
      await found.store.saveNext(
        { sinkCommitStatuses, labels: { reason: "r".repeat(90) } },
        { operators: { "a-long-name-of-an-operator": new Uint8Array(10) } },
      )
    await found.store.pin(1, pin)
    await truncate(join(place.url.slice("file:".length), "checkpoints/checkpoint_000002/manifest.json"), 10)
    const narrow = await ckpt(["ls", place.url], { width: 110 })
    expect(narrow.stdout).toContain(pin)
    expect(narrow.stdout).toContain("manifest-corrupt")
    expect(narrow.stdout).toContain("warehouse:failed")
    expect((await ckpt(["ls", place.url])).stdout).toContain(`reason=${"r".repeat(90)}`)
    expect((await ckpt(["prune", place.url, "last=1"], { width: 200 })).stdout).not.toContain("…")
  })

  test("show has its facts below each other, those of damage too", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 2)
    await truncate(join(place.url.slice("file:".length), "checkpoints/checkpoint_000001/state.bin"), 10)
    const { stdout } = await ckpt(["show", place.url, "1"])
    const [facts = ""] = stdout.split("\n\n")
    const starts = facts.split("\n").map((line) => /^[a-z ]*? {2,}/.exec(line)?.[0].length)
    expect(new Set(starts).size).toBe(1)
    expect(facts).toMatch(/^damage +state-size: /m)
  })
})

test("help has times as people write them, and says how to go on", async () => {
  const gc = (await ckpt(["gc", "--help"])).stdout
  expect(gc).toContain("(default: 1h)")
  expect((await ckpt(["watch", "--help"])).stdout).toContain("(default: 2s)")
  expect((await ckpt(["--help"])).stdout).toContain("ckpt help COMMAND")
  const copy = (await ckpt(["copy", "--help"])).stdout
  expect(copy.indexOf("--help")).toBeLessThan(copy.indexOf("Options of the store:"))
})
