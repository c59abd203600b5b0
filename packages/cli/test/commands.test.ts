import { execFile } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { beforeAll, describe, expect, test } from "vitest"
import { CopiedBytes } from "../src/commands/copied.js"
import { ckpt, objects } from "./ckpt.js"
import { damage, opened, seed } from "./seed.js"
import { fileStorage, flagsOf, folder, memoryStorage, type Place, storages } from "./storages.js"

/** Every command, as somebody at a shell uses it, over every storage. */
describe.each(storages.filter(({ runs }) => runs))("$name", (storage) => {
  let place: Place
  /** Runs a command on the store. */
  const on = (name: string, ...args: string[]) => ckpt([name, place.url, ...args, ...flagsOf(place)])
  const jsonOn = async (name: string, ...args: string[]) => objects(await on(name, ...args, "--json"))

  beforeAll(async () => {
    place = await storage.newPlace()
    await seed(place)
  })

  test("ls lists every checkpoint with its operators, sinks, labels and pins", async () => {
    const { code, stdout, stderr } = await on("ls")
    expect(code).toBe(0)
    expect(stderr).toContain("5 checkpoints\n")
    const lines = stdout.trimEnd().split("\n")
    expect(lines).toHaveLength(6)
    expect(lines[0]).toMatch(/^ID +EPOCH +AGE +SIZE +OPERATORS +SINKS +LABELS +PINS$/)
    expect(lines[2]).toMatch(/^ 2 +12 .* counts, window +out:committed +release=4\.2 +before-upgrade$/)
    expect(lines[5]).toMatch(/^ 5 +15 .* counts, window +out:pending +release=4\.5$/)
    const [first] = await jsonOn("ls")
    expect(first).toMatchObject({ v: 1, type: "checkpoint", id: 1, epoch: 11, valid: true, bytes: 71_012 })
    expect(first).toMatchObject({ operators: { counts: 10, window: 71_002 }, sinks: { out: "committed" } })
  })

  test("ls --last lists the newest alone, ascending", async () => {
    expect((await jsonOn("ls", "--last", "2")).map(({ id }) => id)).toEqual([4, 5])
    expect((await jsonOn("ls", "--last", "100")).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5])
    expect((await on("ls", "--last", "1")).stderr).toContain("1 checkpoint\n")
  })

  test("show tells offsets, operators, watermark, sinks and checksums; by id, pin and latest", async () => {
    const { code, stdout } = await on("show", "before-upgrade")
    expect(code).toBe(0)
    expect(stdout).toMatch(/^checkpoint +2$/m)
    expect(stdout).toMatch(/^source +orders +12 +0 +2000/m)
    expect(stdout).toMatch(/^window +70 KiB +external +[0-9a-f]{64}$/m)
    expect(stdout).toMatch(/^out +12 +committed$/m)
    const [latest] = await jsonOn("show", "latest")
    expect(latest).toMatchObject({ type: "checkpoint-detail", id: 5, valid: true, pins: [] })
    expect(latest?.["manifest"]).toMatchObject({ watermark: "1772323438500", vnodeCount: 256 })
    expect((await on("show", "99")).code).toBe(1)
    expect((await on("show", "no-such-pin")).stderr).toContain("the pins are before-upgrade")
  })

  test("cat gives the bytes of an operator, and of the state, as they were saved", async () => {
    expect(await on("cat", "3", "--operator", "counts")).toMatchObject({ code: 0, stdout: '{"seen":3}', stderr: "" })
    const whole = await on("cat", "pin:before-upgrade")
    expect(whole.stdout).toBe(`{"seen":2}"${"w".repeat(72_000)}"`)
    const lines = await jsonOn("cat", "3", "--operator", "counts")
    expect(lines.map(({ type }) => type)).toEqual(["chunk", "state"])
    expect(Buffer.from(String(lines[0]?.["base64"]), "base64").toString()).toBe('{"seen":3}')
    const unknown = await on("cat", "3", "--operator", "window5")
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toContain("Did you mean window?")
  })

  test("diff tells by how much offsets, watermark and state have moved", async () => {
    const { code, stdout } = await on("diff", "2", "latest")
    expect(code).toBe(0)
    expect(stdout).toMatch(/^checkpoints +2 → 5, 3m later$/m)
    expect(stdout).toMatch(/^orders 0 +2000 → 5000 +\+3000$/m)
    expect(stdout).toMatch(/^window +70 KiB → 73 KiB +\+2\.9 KiB$/m)
    expect(stdout).toMatch(/^out +committed, epoch 12 → pending, epoch 15$/m)
    const [difference] = await jsonOn("diff", "2", "5")
    expect(difference).toMatchObject({ type: "diff", a: 2, b: 5, elapsedMs: 180_000, watermark: { by: "180000" } })
    expect(difference?.["sinks"]).toEqual([
      { sink: "out", from: { status: "committed", epoch: 12 }, to: { status: "pending", epoch: 15 } },
    ])
  })

  test("verify reads every byte and tells the sum", async () => {
    const { code, stdout, stderr } = await on("verify", "--all", "--deep")
    expect(code).toBe(0)
    expect(stdout.trimEnd().split("\n")).toHaveLength(5)
    expect(stderr).toMatch(/^5 checkpoints verified in .*: all valid$/m)
    const sample = await jsonOn("verify", "--all", "--sample", "40%")
    expect(sample).toHaveLength(3)
    expect(sample[1]).toMatchObject({ type: "verdict", id: 5, valid: true, depth: "shallow" })
    expect(sample[2]).toMatchObject({ type: "verify-summary", checked: 2, of: 5, damaged: 0 })
  })

  test("recover gives the latest, and extracts it", async () => {
    const dir = join(await folder(), "rescued")
    const { code, stdout } = await on("recover", "--to", dir)
    expect(code).toBe(0)
    expect(stdout).toContain("checkpoint 5 would be recovered")
    expect(await readFile(join(dir, "operators/counts"), "utf8")).toBe('{"seen":5}')
    const again = await on("recover", "--to", dir)
    expect(again).toMatchObject({ code: 1 })
    expect(again.stderr).toContain("is not empty")
  })

  test("watch tells the latest, and each new checkpoint", async () => {
    const other = await storage.newPlace()
    await seed(other, 1)
    await using writer = await opened(other)
    const lines: string[] = []
    const watching = ckpt(["watch", other.url, "--every", "20ms", "--count", "2", "--json", ...flagsOf(other)], {
      onOutput(text) {
        lines.push(text)
        if (lines.length <= 2) void writer.store.saveNext({ timestampMs: Date.UTC(2026, 2, 1, 0, lines.length) })
      },
    })
    expect((await watching).code).toBe(0)
    const told = objects({ stdout: lines.join("") })
    expect(told.map(({ kind, id }) => [kind, id])).toEqual([
      ["latest", 1],
      ["new", 2],
      ["new", 3],
    ])
    expect(told[1]).toMatchObject({ intervalMs: 60_000, timestamp: "2026-03-01T00:01:00.000Z" })
    expect(told[0]).toMatchObject({ lagMs: 1500, bytes: 71_012 })
  })

  test("doctor finds nothing to do, and leaves nothing behind", async () => {
    const found = await jsonOn("doctor")
    expect(found.filter(({ status }) => status !== "ok" && status !== "skipped")).toEqual([])
    const checks = found.map(({ check }) => check)
    for (const check of [
      "reachable",
      "latency",
      "clock",
      "create only if absent",
      "replace only this version",
      "delete",
      "pointer",
      "claims",
      "other layout",
    ])
      expect(checks).toContain(check)
    await using looked = await opened(place)
    const keys: string[] = []
    for await (const { key } of looked.backend.list(looked.prefix)) keys.push(key)
    expect(keys.filter((key) => key.includes("probe"))).toEqual([])
  })

  test("pin and unpin", async () => {
    expect(await on("pin", "4", "audit")).toMatchObject({ code: 0, stdout: "pinned 4 as audit\n" })
    expect((await on("show", "audit")).stdout).toMatch(/^pins +audit$/m)
    expect(await on("unpin", "audit")).toMatchObject({ code: 0, stdout: "unpinned audit\n" })
    expect(await on("unpin", "audit")).toMatchObject({ code: 1 })
  })

  test("copy takes ids, bytes and pins into another store, and a second time finds them there", async () => {
    const other = await storage.newPlace()
    const args = ["copy", place.url, other.url, "--pins", ...flagsOf(place), ...flagsOf(other, "to-")]
    const first = await ckpt([...args, "--json"])
    expect(first.code).toBe(0)
    expect(objects(first).at(-1)).toMatchObject({ type: "copy-summary", copied: [1, 2, 3, 4, 5], existed: [] })
    const again = await ckpt(args)
    expect(again.stderr).toMatch(/^0 checkpoints copied, 5 there already/m)
    const listed = await ckpt(["ls", other.url, "--json", ...flagsOf(other)])
    const plain = (all: Record<string, unknown>[]) => all.map(({ lastModified: _, ...rest }) => rest)
    expect(plain(objects(listed))).toEqual(plain(await jsonOn("ls")))
  })

  test("export makes a tar that GNU tar opens, and import takes it into another store", async () => {
    const dir = await folder()
    const tar = join(dir, "incident.tar")
    expect(await on("export", "3", tar)).toMatchObject({ code: 0 })
    const names = await promisify(execFile)("tar", ["-tf", tar])
    expect(names.stdout).toBe("checkpoints/checkpoint_000003/manifest.json\ncheckpoints/checkpoint_000003/state.bin\n")
    // What tar extracts is a store by itself.
    await promisify(execFile)("tar", ["-xf", tar, "-C", dir])
    expect((await ckpt(["verify", `file:${dir}`, "3", "--deep"])).code).toBe(0)
    const other = await storage.newPlace()
    expect((await ckpt(["import", tar, other.url, ...flagsOf(other)])).code).toBe(0)
    const detail = async (at: Place) => objects(await ckpt(["show", at.url, "3", "--json", ...flagsOf(at)]))
    expect(await detail(other)).toEqual(await detail(place))
  })

  test("prune, gc and rm show what would go, and act with --yes alone", async () => {
    const other = await storage.newPlace()
    await seed(other)
    const run = (name: string, ...args: string[]) => ckpt([name, other.url, ...args, ...flagsOf(other)])
    const ids = async () => objects(await run("ls", "--json")).map(({ id }) => id)

    const preview = await run("prune", "last=2")
    expect(preview.stdout).toMatch(/^ 1 .* goes +kept by none of: last=2$/m)
    expect(preview.stdout).toMatch(/^ 2 .* stays +pinned: before-upgrade$/m)
    expect(preview.stdout).toMatch(/^ 5 .* stays +the latest valid checkpoint; last=2$/m)
    expect(await ids()).toEqual([1, 2, 3, 4, 5])
    expect(await run("prune", "last=2", "--yes")).toMatchObject({ code: 0, stdout: "removed 2 checkpoints: 1 3\n" })
    expect(await ids()).toEqual([2, 4, 5])

    expect(await run("rm", "4")).toMatchObject({ code: 0, stdout: "4 would go, 72 KiB of state\n" })
    const refused = await run("rm", "2", "5", "--yes")
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("2 is pinned (before-upgrade)")
    expect(refused.stderr).toContain("5 is the latest valid checkpoint, which always stays")
    expect(await run("rm", "4", "--yes")).toMatchObject({ code: 0, stdout: "removed 4\n" })
    expect(await ids()).toEqual([2, 5])

    // A state without its manifest, as a save that was killed leaves it.
    await using opening = await opened(other)
    await opening.store.writeState(6, new Uint8Array(10))
    await opening.store.save(await opening.store.nextManifest({ timestampMs: 1 }), {})
    const gone = await run("gc", "--older-than", "0ms")
    expect(gone.stdout).toMatch(/^would go .*6/m)
    expect((await run("gc", "--older-than", "0ms", "--yes")).stdout).toMatch(/^removed .*6/m)
    expect((await run("gc", "--older-than", "0ms")).stderr).toContain("nothing would go")
  })

  test("a damaged checkpoint is told by every command that meets it", async () => {
    const other = await storage.newPlace()
    await seed(other)
    await damage(other, 5)
    const run = (name: string, ...args: string[]) => ckpt([name, other.url, ...args, ...flagsOf(other)])
    const verified = await run("verify", "latest", "--deep")
    expect(verified.code).toBe(1)
    expect(verified.stdout).toContain("✗ DAMAGED  5")
    expect(verified.stdout).toContain("state-checksum")
    const recovered = await run("recover")
    expect(recovered.code).toBe(0)
    expect(recovered.stdout).toMatch(/^checkpoint 4 would be recovered$/m)
    expect(recovered.stdout).toMatch(/^ {2}5 {2}state-checksum: /m)
    const cat = await run("cat", "5")
    expect(cat.code).toBe(1)
    expect(cat.stderr).toContain("CKPT_CORRUPT")
    expect((await run("export", "5", join(await folder(), "x.tar"))).code).toBe(1)
    expect((await run("rm", "4", "--yes")).stderr).toContain("4 is the latest valid checkpoint")
    // A policy that looked at sizes alone would keep the rotten 5, and remove the last checkpoint that is sound.
    expect((await run("prune", "last=1")).stdout).toMatch(/^ 4 .* stays +the latest valid checkpoint/m)
    const copied = await ckpt(["copy", other.url, `file:${await folder()}`, ...flagsOf(other)])
    expect(copied.code).toBe(1)
    expect(copied.stderr).toContain("5 was not copied")
    expect((await run("prune", "last=1", "--yes")).stdout).toBe("removed 2 checkpoints: 1 3\n")
    expect((await run("recover")).stdout).toMatch(/^checkpoint 4 would be recovered$/m)

    await using found = await opened(other)
    const manifest =
      found.layout === "directory" ? "checkpoints/checkpoint_000004/manifest.json" : "manifests/manifest-000004.json"
    await found.backend.put(`${found.prefix}${manifest}`, [Buffer.from("garbled")])
    const listed = await run("ls")
    expect(listed).toMatchObject({ code: 1, stderr: expect.stringContaining("1 damaged") })
    expect(listed.stdout).toMatch(/^ 4 .* manifest-corrupt$/m)
    const shown = await run("show", "4")
    expect(shown.code).toBe(1)
    expect(shown.stdout).toMatch(/^verdict +DAMAGED$/m)
    expect(shown.stdout).toMatch(/^damage +manifest-corrupt: /m)
    expect((await run("diff", "4", "5")).code).toBe(1)
  })

  test("a claimed store is changed with --claim alone, and told who leads", async () => {
    const other = await storage.newPlace()
    await seed(other)
    const run = (name: string, ...args: string[]) => ckpt([name, other.url, ...args, ...flagsOf(other)])
    {
      await using opening = await opened(other)
      const leader = await opening.store.claim()
      await leader.release()
    }
    const dry = await run("prune", "last=1")
    expect(dry.code).toBe(0)
    expect(dry.stderr).toContain("nobody leads; the last claim was 1; --yes needs --claim beside it")
    for (const [name, ...args] of [
      ["prune", "last=1", "--yes"],
      ["rm", "1", "--yes"],
      ["gc", "--yes"],
      ["pin", "5", "x"],
    ]) {
      const refused = await run(name as string, ...args)
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain(
        "the store is one of jobs that claim: nobody leads; the last claim was 1. Give --claim",
      )
    }
    // 4 stays, too: it is the latest of which every sink has committed.
    expect(await run("prune", "last=1", "--yes", "--claim")).toMatchObject({
      code: 0,
      stdout: "removed 2 checkpoints: 1 3\n",
    })
    expect(await run("doctor")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("claims: nobody leads; the last claim was 2"),
    })
    // On a store that nobody claimed, a claim would lock its job out.
    expect((await on("pin", "5", "x", "--claim")).stderr).toContain("nobody ever claimed this store")
  })

  test("a place without any checkpoint is no damage", async () => {
    const empty = await storage.newPlace()
    const run = (name: string, ...args: string[]) => ckpt([name, empty.url, ...args, ...flagsOf(empty)])
    expect(await run("ls")).toMatchObject({
      ...{ code: 0, stdout: "" },
      stderr: expect.stringMatching(/^no checkpoints\nckpt: is the URL right\?/),
    })
    expect(await run("recover")).toMatchObject({
      code: 0,
      stdout: "nothing was ever saved here; a job would start anew\n",
      stderr: expect.stringContaining("is the URL right?"),
    })
    expect(await run("show", "latest")).toMatchObject({ code: 1 })
    expect(await run("recover", "--to", join(await folder(), "x"))).toMatchObject({ code: 1 })
    const doctor = await run("doctor")
    expect(doctor).toMatchObject({ code: 0, stderr: "1 warning\n" })
    expect(doctor.stdout).toContain("! checkpoints: there is none")
    // To find nothing damaged where nothing is would calm a script whose prefix is misspelt.
    expect(await run("verify", "--all")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nothing was verified"),
    })
  })
})

test("watch tells what is removed, each once", async () => {
  const place = await memoryStorage.newPlace()
  await seed(place, 5)
  await using writer = await opened(place)
  const change = async () => {
    for (const id of [1, 3]) await writer.store.remove(id)
    await writer.store.saveNext()
  }
  const watched = await ckpt(["watch", place.url, "--every", "5ms", "--count", "1", "--json", ...flagsOf(place)], {
    onOutput: (text) => text.includes('"latest"') && void change(),
  })
  expect(objects(watched).map(({ kind, id }) => [kind, id])).toEqual([
    ["latest", 5],
    ["removed", 1],
    ["removed", 3],
    ["new", 6],
  ])
})

test("diff tells the offsets of a source from those of a reference table of the same name", async () => {
  const place = await fileStorage.newPlace()
  await using found = await opened(place)
  for (const offset of ["1", "2"]) {
    const offsets = { rates: { epoch: 1, offsets: { "0": offset } } }
    await found.store.saveNext({ sourceNames: ["rates"], sourceOffsets: offsets, tableOffsets: offsets })
  }
  const [difference] = objects(await ckpt(["diff", place.url, "1", "2", "--json"]))
  const of = { source: "rates", partition: "0", from: "1", to: "2", by: "1" }
  expect(difference?.["offsets"]).toEqual([
    { kind: "source", ...of },
    { kind: "table", ...of },
  ])
  const { stdout } = await ckpt(["diff", place.url, "1", "2"])
  expect(stdout).toMatch(/^offsets\n.*\nrates 0 .*\n\noffsets of reference tables\n.*\nrates 0 /m)
})

test("a prune says why all stays where nothing is valid", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 1)
  await using found = await opened(place)
  await found.backend.put("checkpoints/checkpoint_000001/manifest.json", [Buffer.from("garbled")])
  const { code, stdout } = await ckpt(["prune", place.url, "last=1"])
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/stays {2}no checkpoint here is valid$/m) })
})

test("the bar of a copy has the bytes of all checkpoints, also of those that are copied beside each other", () => {
  const bytes = new CopiedBytes()
  const after = (id: number, done: number, bytesDone: number) =>
    bytes.after({ id, done, total: 3, bytesDone, bytesTotal: 100 })
  expect(after(1, 0, 50)).toEqual({ done: 0.5, total: 3, bytes: 50 })
  expect(after(2, 0, 10)).toMatchObject({ bytes: 60 })
  expect(after(1, 1, 100)).toEqual({ done: 1, total: 3, bytes: 110 })
  expect(after(3, 2, 25)).toEqual({ done: 2.25, total: 3, bytes: 135 })
})

test("a copy whose stores are swapped is refused", async () => {
  const dir = await folder()
  const place = { url: `file:${join(dir, "store")}`, flags: {} }
  await seed(place, 1)
  const empty = `file:${await folder()}`
  const swapped = await ckpt(["copy", empty, place.url])
  expect(swapped).toMatchObject({ code: 1, stderr: expect.stringContaining("are the two stores swapped?") })
  expect((await ckpt(["copy", `file:${dir}/no-such-folder`, place.url])).code).toBe(3)
})

test("a tar that is cut short copies nothing", async () => {
  const dir = await folder()
  const place = { url: `file:${join(dir, "store")}`, flags: {} }
  await seed(place)
  expect((await ckpt(["export", place.url, "3", "whole.tar"], { cwd: dir })).code).toBe(0)
  await writeFile(join(dir, "cut.tar"), (await readFile(join(dir, "whole.tar"))).subarray(0, 40_000))
  const imported = await ckpt(["import", "cut.tar", "file:./other"], { cwd: dir })
  expect(imported.code).toBe(1)
  expect(imported.stderr).toContain("truncated")
  expect((await ckpt(["ls", "file:./other"], { cwd: dir })).code).toBe(3)
})
