import { execFileSync, spawnSync } from "node:child_process"
import { cp, mkdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import type { TestContext } from "vitest"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import {
  acknowledged,
  type Ended,
  expectGoesOn,
  expectSurvives,
  run,
  seed,
  skipUnlessCi,
  temporaryNames,
  wasKilled,
} from "./support.js"

const before = [1, 3, 4, 5]

/** Installed where that is possible; a container may still forbid to trace. */
function needStrace(context: TestContext): void {
  const works = () => spawnSync("strace", ["-qq", "-o", "/dev/null", "true"], { stdio: "ignore" }).status === 0
  if (works()) return
  if (process.getuid?.() === 0) {
    try {
      execFileSync("apt-get", ["install", "-y", "strace"], { stdio: "ignore", timeout: 120_000 })
    } catch {}
  }
  if (!works()) skipUnlessCi(context, "strace is missing, or tracing is forbidden here")
}

/**
 * Runs a save with retention with a fault at the n-th of one system call, for every n up to the one that never comes.
 * The kernel's view: whatever Node makes of our calls, and below what a wrapped file API sees.
 */
async function eachCall(
  call: string,
  fault: string,
  check: (root: string, ended: Ended, label: string) => Promise<void>,
): Promise<number> {
  const folder = await temporaryFolder()
  const template = join(folder, "template")
  await mkdir(template)
  await seed(template, before)
  let next = 1
  let struck = 0
  let over = false
  const lane = async () => {
    while (!over) {
      const n = next++
      const [root, log] = [join(folder, String(n)), join(folder, `${n}.log`)]
      await cp(template, root, { recursive: true })
      const strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        log,
        "-e",
        `trace=${call}`,
        "-e",
        `inject=${call}:${fault}:when=${n}`,
      ]
      try {
        const ended = await run("operation.mjs", ["saveAndRetain", root, "never", "0", "every"], strace)
        if (wasKilled(ended) || (await readFile(log, "utf8")).includes("INJECTED")) struck++
        else over = true
        await check(root, ended, `${fault} at ${call} ${n}: ${ended.lines.join(", ")}`)
      } catch (error) {
        over = true
        throw error
      }
      await rm(root, { recursive: true })
    }
  }
  for (const result of await Promise.allSettled([lane(), lane()])) if (result.status === "rejected") throw result.reason
  return struck
}

/** Each that such a save makes, and how often at least. */
const systemCalls = [
  ["mkdir", 1],
  ["link", 2],
  ["fsync", 10],
  ["rename", 2],
  ["unlink", 5],
  ["rmdir", 2],
  ["utimensat", 5],
  ["pwritev", 1],
] as const

describe("a save with retention, in which a system call", () => {
  test.for(systemCalls)("%s is the last that it makes", { timeout: 300_000 }, async ([call, atLeast], context) => {
    needStrace(context)
    const struck = await eachCall(call, "signal=SIGKILL", async (root, ended, label) => {
      await using store = await openFsStore(root)
      const { found, ids } = await expectSurvives(store, acknowledged(ended.lines).at(-1) ?? 5, label)
      expect(ids.length, label).toBeGreaterThanOrEqual(2)
      await expectGoesOn(store, root, found.nextId, label)
    })
    expect(struck).toBeGreaterThanOrEqual(atLeast)
  })

  test.for(systemCalls)("%s fails with EIO", { timeout: 300_000 }, async ([call, atLeast], context) => {
    needStrace(context)
    let rejected = 0
    const struck = await eachCall(call, "error=EIO", async (root, ended, label) => {
      const acked = acknowledged(ended.lines).at(-1)
      const failure = ended.lines.find((line) => line.startsWith("rejected"))
      if (failure !== undefined) rejected++
      // It resolves or it rejects, and it says why.
      expect((acked === undefined) !== (failure === undefined), label).toBe(true)
      if (failure !== undefined) expect(failure, label).toMatch(/^rejected (CKPT_IO|CKPT_UNKNOWN_OUTCOME) .*EIO/)
      // What could not be removed is collected later, and nothing else is left.
      const removing = call === "unlink" || call === "rmdir"
      // The check of the storage is an object, and is removed by way of a folder.
      const isProbe = (name: string) => /^(mkdir|rename)$/.test(call) && name.includes(".ckpt-probe-")
      if (!removing)
        expect(
          (await temporaryNames(root)).filter((name) => !isProbe(name)),
          label,
        ).toEqual([])
      await using store = await openFsStore(root)
      const { found, ids } = await expectSurvives(store, acked ?? 5, label)
      if (failure?.startsWith("rejected CKPT_IO")) expect(found.checkpoint?.id, label).toBe(5)
      expect(ids.length, label).toBeGreaterThanOrEqual(2)
      await expectGoesOn(store, root, found.nextId, label)
    })
    expect(struck).toBeGreaterThanOrEqual(atLeast)
    // A pointer that could not be renamed is written anew: the checkpoint itself is safe.
    if (call === "fsync" || call === "rename") expect(rejected).toBeGreaterThanOrEqual(call === "fsync" ? 2 : 1)
  })
})
