import { spawn } from "node:child_process"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { bin, CkptProcess, ckpt, objects, shell } from "./ckpt.js"
import { opened } from "./seed.js"
import { fileStorage, folder, type Place } from "./storages.js"

const deaf = fileURLToPath(new URL("backends/deaf.mjs", import.meta.url))

/** A command that does not outlive its test, whatever it does. */
function started(args: readonly string[]): CkptProcess {
  const process = new CkptProcess(args)
  onTestFinished(() => void process.child.kill("SIGKILL"))
  return process
}

/** For the end of a pipeline. */
const codeOfFirst = `exit \${PIPESTATUS[0]}`

/** A store of so many small checkpoints with long labels: a pipe does not hold what a command tells of them. */
async function many(count: number): Promise<Place> {
  const place = await fileStorage.newPlace()
  await using found = await opened(place)
  for (let id = 1; id <= count; id++)
    await found.store.saveNext({ labels: { text: "x".repeat(200) } }, { state: [new Uint8Array(10)] })
  return place
}

const idsOf = async (url: string) => objects(await ckpt(["ls", url, "--json"])).map(({ id }) => id)

test.each(["ls", "doctor"])("--timeout holds for %s though the backend ignores its signal", async (name) => {
  const late = started([name, "deaf:x", "--backend", deaf, "--timeout", "100ms"])
  expect(await late.ended).toEqual({ code: 3, signal: null })
  expect(late.stderr).toContain("findLayouts failed")
  expect(late.stderr).toContain("CKPT_TIMEOUT")
})

test("--timeout holds for what a command asks beside its store", async () => {
  const late = started(["ls", "deaf:x", "--backend", deaf, "--timeout", "100ms", "--layout", "objects"])
  expect(await late.ended).toEqual({ code: 3, signal: null })
  expect(late.stderr).toContain("reading the clock failed")
})

test.each(["SIGTERM", "SIGINT"] as const)("%s ends a command whose backend never answers", async (signal) => {
  for (const more of [[], ["--layout", "objects", "--json"]]) {
    const stuck = started(["ls", "deaf:x", "--backend", deaf, ...more])
    while (!stuck.stderr.includes("the backend was asked")) await once(stuck.child.stderr as Readable, "data")
    stuck.child.kill(signal)
    expect(await stuck.ended).toEqual({ code: signal === "SIGTERM" ? 143 : 130, signal: null })
    expect(stuck.stderr).toContain("interrupted")
  }
})

test("SIGTERM ends a command whose reader stands still", async () => {
  const place = await fileStorage.newPlace()
  {
    await using found = await opened(place)
    await found.store.saveNext({}, { state: [new Uint8Array(8 * 1024 * 1024)] })
  }
  const child = spawn(process.execPath, ["--no-warnings", bin, "cat", place.url, "latest"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  // More than a pipe and Node's own buffer hold is on its way, and nobody reads it.
  await once(child.stdout, "readable")
  child.kill("SIGTERM")
  expect(await once(child, "exit")).toEqual([143, null])
})

test("output that nobody takes keeps the exit code, and is no crash", async () => {
  const place = await many(2)
  const cases: [string, number][] = [
    [`ckpt --help | true; ${codeOfFirst}`, 0],
    ["ckpt --help > /dev/full", 3],
    ["ckpt nonsense 2> /dev/full", 2],
    [`ckpt nonsense 2>&1 | true; ${codeOfFirst}`, 2],
    [`ckpt ls ${place.url} 2> /dev/full`, 0],
    [`ckpt show ${place.url} 99 2> /dev/full`, 1],
    [`ckpt ls ${place.url} > /dev/full`, 3],
  ]
  for (const [text, code] of cases) {
    const seen = await shell(text)
    expect(seen.code, `${text}: ${seen.stderr}`).toBe(code)
    expect(seen.stderr).not.toMatch(/at .*:\d+:\d+|Unhandled|node:/)
    if (text.endsWith("> /dev/full") && code === 3) expect(seen.stderr).toContain("no room is left")
  }
})

test.each(["| head -n 1", "> /dev/full"])("a change goes on to its end though its log is lost: %s", async (lost) => {
  const run = (text: string) => shell(`${text} ${lost}; ${codeOfFirst}`)
  const source = await many(60)
  const target = `file:${await folder()}`
  const copied = await run(`ckpt copy ${source.url} ${target} --json`)
  expect(copied).toMatchObject({ code: 0, stderr: expect.stringContaining("the work goes on") })
  expect(await idsOf(target)).toHaveLength(60)

  const ids = Array.from({ length: 50 }, (_, index) => index + 1)
  const removed = await run(`ckpt rm ${target} ${ids.join(" ")} --yes --json`)
  expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining("the work goes on") })
  expect(await idsOf(target)).toHaveLength(10)
  // The exit code is that of the work.
  expect((await run(`ckpt rm ${target} 60 --yes`)).code).toBe(1)
  expect((await run(`ckpt prune ${target} last=2 --yes`)).code).toBe(0)
  expect(await idsOf(target)).toEqual([59, 60])

  // A state without a manifest, as an interrupted save leaves it.
  await rm(join(source.url.slice("file:".length), "checkpoints/checkpoint_000007/manifest.json"))
  expect((await run(`ckpt gc ${source.url} --older-than 0ms --yes`)).code).toBe(0)
  expect((await ckpt(["gc", source.url, "--older-than", "0ms"])).stderr).toContain("nothing would go")
  const tar = join(await folder(), "one.tar")
  expect((await ckpt(["export", source.url, "8", tar])).code).toBe(0)
  const imported = `file:${await folder()}`
  expect((await run(`ckpt import ${tar} ${imported} --json`)).code).toBe(0)
  expect(await idsOf(imported)).toEqual([8])
})
