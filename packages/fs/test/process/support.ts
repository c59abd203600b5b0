import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, readdir, readFile, truncate, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openFsStore, type Recovery, type StoreOperations } from "@ckpt/fs"
import type { TestContext } from "vitest"
import { expect, onTestFinished } from "vitest"
import { temporaryFolder } from "../folder.js"
import { contentsOf, hasOperators, manifestOf, operatorName, stateOf } from "./workload.mjs"

/** A filesystem of our own, in a folder of its own if none is given, or the test is skipped. */
export async function mounted(context: TestContext, options: string, folder?: string): Promise<string> {
  const path = folder ?? (await temporaryFolder())
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "pipe" })
  } catch (error) {
    skipUnlessCi(context, `tmpfs cannot be mounted here (${(error as Error).message.trim().split("\n").at(-1)})`)
  }
  onTestFinished(() => void execFileSync("umount", ["-l", path]))
  return path
}

/** An ext4 filesystem of so many MiB, in a file that is mounted; or the test is skipped. */
export async function mountedExt4(context: TestContext, mebibytes: number, inodes = 512): Promise<string> {
  const [folder, path] = [await temporaryFolder(), await temporaryFolder()]
  try {
    const image = join(folder, "image")
    await writeFile(image, "")
    await truncate(image, mebibytes << 20)
    execFileSync("mkfs.ext4", ["-q", "-F", "-b", "1024", "-m", "0", "-N", String(inodes), image], { stdio: "pipe" })
    execFileSync("mount", ["-o", "loop", image, path], { stdio: "pipe" })
  } catch (error) {
    skipUnlessCi(context, `ext4 cannot be mounted here (${(error as Error).message.trim().split("\n").at(-1)})`)
  }
  onTestFinished(() => void execFileSync("umount", ["-l", path]))
  return path
}

/** Uses up all that is left: every page, or every inode. */
export async function fill(root: string, what: "pages" | "inodes"): Promise<void> {
  const eaters = join(root, "eaters")
  await mkdir(eaters)
  // The last room for less than a page, too.
  for (const bytes of what === "pages" ? [1 << 16, 4096, 512] : [0]) {
    for (let n = 0; ; n++) {
      try {
        await writeFile(join(eaters, `${bytes}-${n}`), new Uint8Array(bytes))
      } catch {
        break
      }
    }
  }
}

/** Sends a command to a child that answers each by a line, and resolves with that line. */
export async function tell(child: Child, command: string): Promise<string> {
  await child.lines(1)
  const lines = child.text().split("\n").length
  child.process.stdin?.write(`${command}\n`)
  await child.lines(lines)
  return child.text().split("\n")[lines - 1] ?? ""
}

/** For what a container may refuse: skipped with the reason, but never in CI. */
export function skipUnlessCi(context: { skip(note: string): never }, reason: string): never {
  if (process.env["CI"] === "true") throw new Error(`in CI this must run: ${reason}`)
  process.stdout.write(`skipped: ${reason}\n`)
  return context.skip(reason)
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly stderr: string
}

export interface Child {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when it has written so many lines, or has ended. */
  lines(count: number): Promise<void>
  /** All that it has written. */
  text(): string
}

const scriptPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Starts one of the scripts of this folder, by way of another command if one is given. */
export function start(script: string, args: readonly string[], via: readonly string[] = []): Child {
  const [command = "", ...rest] = [...via, process.execPath, scriptPath(script), ...args]
  // One thread makes the order of calls, and so the n-th of them, the same in each run.
  // Many tests let two processes write. Any other warning is still printed.
  const options = "--disable-warning=CKPT_SECOND_WRITER"
  const env = { ...process.env, UV_THREADPOOL_SIZE: via[0] === "strace" ? "1" : "4", NODE_OPTIONS: options }
  const child = spawn(command, rest, { stdio: ["pipe", "pipe", "pipe"], env })
  let output = ""
  let stderr = ""
  let over = false
  let heard: () => void = () => {}
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
    heard()
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
  })
  // A child that is dead no longer reads.
  child.stdin.on("error", () => {})
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    // Not "exit": what the dead process wrote may still be in the pipe.
    child.once("close", (code, signal) => {
      over = true
      heard()
      resolve({ code, signal, lines: output.split("\n").slice(0, -1), stderr })
    })
  })
  const lines = (count: number) =>
    new Promise<void>((resolve) => {
      heard = () => {
        if (over || output.split("\n").length > count) resolve()
      }
      heard()
    })
  return { process: child, ended, lines, text: () => output }
}

/** Runs a script to its end; it must end by itself or by SIGKILL. */
export async function run(script: string, args: readonly string[], via: readonly string[] = []): Promise<Ended> {
  const child = start(script, args, via)
  child.process.stdin?.end()
  const ended = await child.ended
  // A command in between (a shell, strace) may say it by 128 + 9, or die the same death.
  if (!wasKilled(ended) && ended.code !== 0) throw new Error(`${script} ${args.join(" ")}: ${ended.stderr}`)
  return ended
}

export function wasKilled({ code, signal }: Ended): boolean {
  return signal === "SIGKILL" || code === 137
}

/** The ids that were acknowledged, in that order. */
export function acknowledged(lines: readonly string[]): number[] {
  return lines.flatMap((line) => (line.startsWith("ack ") ? [Number(line.split(" ")[1])] : []))
}

export async function seed(root: string, ids: readonly number[]): Promise<void> {
  const store = await openFsStore(root)
  for (const id of ids) await store.save(manifestOf(id), contentsOf(id))
  await store.close()
}

/** Reads checkpoint `id` and compares every byte with what was to be saved. */
export async function expectContents(store: StoreOperations, id: number, label: string, writer = ""): Promise<void> {
  const { valid, issues } = await store.verify(id, { depth: "deep" })
  expect({ id, valid, issues }, label).toEqual({ id, valid: true, issues: [] })
  const expected = stateOf(id, writer)
  const manifest = await store.load(id)
  expect(manifest?.sourceOffsets["orders"]?.offsets["0"], label).toBe(String(id))
  if (hasOperators(id)) {
    expect(Object.keys(manifest?.operatorStates ?? {}).sort(), label).toEqual(["offsets", operatorName])
    return
  }
  expect(manifest?.stateChecksum, label).toBe(createHash("sha256").update(expected).digest("hex"))
  const stored = await (await store.readState(id))?.bytes()
  expect(Buffer.compare(stored ?? Buffer.from("absent"), expected), label).toBe(0)
}

/**
 * What must hold after any death: nothing that was acknowledged is lost, nothing that is listed is damaged, and the
 * bytes are those of its id.
 */
export async function expectSurvives(
  store: StoreOperations,
  acked: number,
  label: string,
): Promise<{ found: Recovery; ids: number[] }> {
  const found = await store.recover()
  expect(found.skipped, label).toEqual([])
  expect(found.outcome, label).toBe(found.outcome === "fresh" && acked === 0 ? "fresh" : "recovered")
  const { checkpoint } = found
  if (checkpoint !== undefined) {
    expect(checkpoint.id, label).toBeGreaterThanOrEqual(acked)
    const bytes = hasOperators(checkpoint.id)
      ? await checkpoint.operator(operatorName)
      : await (await checkpoint.state())?.bytes()
    expect(Buffer.compare(bytes ?? Buffer.from("absent"), stateOf(checkpoint.id)), label).toBe(0)
    expect((await store.loadLatest())?.checkpointId, label).toBe(checkpoint.id)
  }
  const ids = await store.ids()
  expect(ids.at(-1), label).toBe(checkpoint?.id)
  expect(found.nextId, label).toBeGreaterThan(ids.at(-1) ?? 0)
  for (const id of ids) await expectContents(store, id, label)
  return { found, ids }
}

/** After the next save, whatever the dead process left behind can be removed, and nothing else is. */
export async function expectGoesOn(store: StoreOperations, root: string, next: number, label: string): Promise<void> {
  const receipt = await store.save(manifestOf(next), contentsOf(next))
  expect(receipt, label).toMatchObject({ id: next, outcome: "created", isLatest: true })
  const ids = await store.ids()
  // A retention that died after it raised the floor left checkpoints that do not count: the next one removes them.
  expect((await store.prune({ last: ids.length })).kept, label).toEqual(ids)
  await ageProbes(root)
  const { failures } = await store.collectOrphans({ olderThanMs: 0 })
  expect(failures, label).toEqual([])
  // That of this process, as long as it has a store open.
  expect(await signsOfWriters(root), label).toEqual([expect.stringContaining(`_${process.pid}_`)])
  await expectTidy(root, ids, label)
  expect(await store.ids(), label).toEqual(ids)
  expect((await store.recover()).checkpoint?.id, label).toBe(next)
  expect(await store.nextId(), label).toBe(next + 1)
}

/** Makes the probes of dead processes two hours old: a collection leaves younger ones alone. */
export async function ageProbes(root: string): Promise<void> {
  const base = join(root, "checkpoints")
  const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000)
  // A process that was killed early has not made the folder.
  const names = await readdir(base).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
  for (const name of names) {
    if (name.startsWith(".ckpt-probe-")) await utimes(join(base, name), twoHoursAgo, twoHoursAgo)
  }
}

/** Nothing in the folder but these checkpoints, the pointer to the last of them, the history, and signs of writers. */
export async function expectTidy(root: string, ids: readonly number[], label: string): Promise<void> {
  const folders = ids.map(folderOf)
  const names = (await readdir(join(root, "checkpoints"))).filter((name) => !isSign(name) && name !== "history.json")
  expect(names.sort(), label).toEqual([...folders, "latest.txt"].sort())
  for (const folder of folders) {
    const inside = await readdir(join(root, "checkpoints", folder))
    expect(
      inside.filter((name) => name !== "state.bin"),
      label,
    ).toEqual(["manifest.json"])
  }
  expect(await readFile(join(root, "checkpoints", "latest.txt"), "utf8"), label).toBe(folders.at(-1))
}

export function folderOf(id: number): string {
  return `checkpoint_${String(id).padStart(6, "0")}`
}

/** Every temporary name of this package anywhere below the folder. */
export async function temporaryNames(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true })
  return names.filter((name) => /(^|\/)\.(tmp|stage|latest|ckpt-probe)-/.test(name))
}

const isSign = (name: string) => /(^|\/)\.writer-/.test(name)

/** The signs of processes that write, or wrote, anywhere below the folder. */
export async function signsOfWriters(root: string): Promise<string[]> {
  return (await readdir(root, { recursive: true })).filter(isSign).sort()
}
