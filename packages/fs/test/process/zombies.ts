import { createHash } from "node:crypto"
import { cp, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { createManifest, openFsStore, type Recovery, type StoreOperations } from "@ckpt/fs"
import type { FileApi } from "../../src/files/file-api.js"
import { temporaryFolder } from "../folder.js"
import { type Child, folderOf, seed, start } from "./support.js"
import { contentsOf } from "./workload.mjs"

export const operations = ["save", "adopt", "update", "pin", "prune", "remove", "collectOrphans"] as const
type Operation = (typeof operations)[number]

export interface Setting {
  readonly operation: Operation
  /** Whether the process that is stopped holds a claim itself. */
  readonly mode: "plain" | "claimed"
  /** For the test of the test: the process that is stopped does not look for claims. */
  readonly blind?: boolean
  /** For the test of the test: the calls of the process that claims. */
  readonly files?: FileApi
  /** Ends with the first stop that did harm. */
  readonly untilHarm?: boolean
}

interface Answer {
  readonly reached: boolean
  readonly result: {
    readonly ok?: unknown
    readonly code?: string
    readonly message?: string
    readonly applied?: boolean
  }
}

export interface Findings {
  /** How often the process was stopped: once before each call that changes something. */
  stops: number
  readonly harm: string[]
  readonly outcomes: Record<string, number>
}

const silentAfterMs = 200
const deadlineMs = 60_000

/** Stops a process at every call of an operation, leads meanwhile, wakes it, and tells all the harm that it did. */
export async function stopEverywhere(setting: Setting): Promise<Findings> {
  const folder = await temporaryFolder()
  const template = join(folder, "template")
  await prepare(template, setting.operation)
  const { operation, mode, blind = false } = setting
  const child = start("stopping.mjs", [operation, mode, blind ? "blind" : "sees", String(silentAfterMs)])
  const findings: Findings = { stops: 0, harm: [], outcomes: {} }
  try {
    for (let k = 1; ; k++) {
      const root = join(folder, String(k))
      await cp(template, root, { recursive: true })
      child.process.stdin?.write(`${k} ${root}\n`)
      if (!(await stopped(child, k))) {
        const { reached, result } = answerOf(await output(child, k))
        if (reached || result.ok === undefined) findings.harm.push(`not stopped: ${JSON.stringify(result)}`)
        return findings
      }
      findings.stops++
      const { harm, outcome } = await takeOver(child, k, root, setting)
      findings.outcomes[outcome] = (findings.outcomes[outcome] ?? 0) + 1
      findings.harm.push(...harm.map((what) => `${operation}, ${mode}, stopped at ${k}: ${what}`))
      if (setting.untilHarm && findings.harm.length > 0) return findings
    }
  } finally {
    child.process.kill("SIGCONT")
    child.process.stdin?.end()
    if (findings.harm.length > 0) child.process.kill("SIGKILL")
    await child.ended
  }
}

async function prepare(template: string, operation: Operation): Promise<void> {
  await seed(template, [1, 2, 3])
  const base = join(template, "checkpoints")
  if (operation === "adopt") {
    const store = await openFsStore(template)
    await store.writeState(4, contentsOf(4).state ?? [])
    await store.close()
  }
  if (operation !== "collectOrphans") return
  await mkdir(join(base, folderOf(0)))
  await writeFile(join(base, folderOf(0), "state.bin"), "an orphan")
  await mkdir(join(base, ".stage-0123456789abcdef"))
  await writeFile(join(base, ".stage-0123456789abcdef", "state.bin"), "half of it")
  await writeFile(join(base, ".latest-0123456789abcdef"), folderOf(6))
  await writeFile(join(base, folderOf(3), ".tmp-0123456789abcdef"), "{}")
}

/** True once the process has stopped; false if it wrote its k-th line instead. */
async function stopped(child: Child, k: number): Promise<boolean> {
  return until("the process to stop or to answer", async () => {
    if (child.text().split("\n").length > k) return false
    const stat = await readFile(`/proc/${child.process.pid}/stat`, "utf8")
    return /^T/.test(stat.slice(stat.lastIndexOf(")") + 2)) ? true : undefined
  })
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const giveUp = Date.now() + deadlineMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > giveUp) throw new Error(`waited in vain for ${what}`)
    await pause(1)
  }
}

async function output(child: Child, lines: number): Promise<string> {
  await child.lines(lines)
  return child.text().split("\n")[lines - 1] ?? ""
}

const answerOf = (line: string): Answer => JSON.parse(line || '{"reached":true,"result":{"code":"it died"}}')

/** Another process leads while this one is stopped: claims, recovers, saves, and is about to save again when it wakes. */
async function takeOver(child: Child, k: number, root: string, { operation, files }: Setting) {
  const harm: string[] = []
  await using plain = await openFsStore(root, { silentAfterMs, ...(files && { files }) })
  await using leader = await until("the claim", () =>
    plain.claim().catch((error: { code?: string }) => {
      if (error.code === "CKPT_FENCED") return undefined
      throw error
    }),
  )
  const found = await leader.recover()
  const before = await seen(leader, found)
  const first = found.nextId
  await leader.save(leadersManifest(first), { state: Buffer.from("the leader's") })
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  async function* slow() {
    yield Buffer.from("the leader's ")
    await released
    yield Buffer.from("second")
  }
  const saving = leader.save(leadersManifest(first + 1), { state: slow() })
  saving.catch(() => undefined)
  await until("the second save to be under way", async () => {
    const names = await readdir(join(root, "checkpoints"))
    return names.some((name) => name.startsWith(".stage-")) ? true : undefined
  })
  const files1 = await contents(root)

  child.process.kill("SIGCONT")
  const { reached, result } = answerOf(await output(child, k))
  if (!reached) harm.push("it was stopped, and says it was not")
  harm.push(...differences(files1, await contents(root)))
  release()
  await saving.catch((error: unknown) => harm.push(`the leader's save failed: ${error}`))
  const outcome = result.code ?? "done"
  harm.push(...misreported(operation, result, before))
  for (const id of [first, first + 1]) {
    if (!(await leader.verify(id)).valid) harm.push(`the leader's ${id} does not verify`)
  }
  const left = (await readdir(root, { recursive: true })).filter((name) => /(^|\/)\.(tmp|stage|latest)-/.test(name))
  if (left.length > 0) harm.push(`left behind: ${left}`)
  return { harm, outcome }
}

interface Seen {
  readonly ids: readonly number[]
  readonly committed: boolean
  readonly pinned: boolean
}

/** What the leader found when it recovered. */
async function seen(leader: StoreOperations, found: Recovery): Promise<Seen> {
  if (found.outcome !== "recovered" || found.skipped.length > 0) throw new Error(`recovered ${JSON.stringify(found)}`)
  const committed = (await leader.load(3))?.sinkCommitStatuses["out"]?.status === "committed"
  return { ids: await leader.ids(), committed, pinned: (await leader.pins()).length > 0 }
}

/** What was acknowledged was there when the leader recovered; what was refused was not. */
function misreported(
  operation: Operation,
  { ok, code, message, applied = false }: Answer["result"],
  { ids, committed, pinned }: Seen,
): string[] {
  if (code !== undefined && !["CKPT_FENCED", "CKPT_UNKNOWN_OUTCOME"].includes(code))
    return [`it ended by ${code}: ${message}`]
  const wrong: string[] = []
  if (operation === "save" || operation === "adopt") {
    if (code === "CKPT_FENCED" && ids.includes(4)) wrong.push("refused, and there")
    if (ok !== undefined && !ids.includes(4)) wrong.push("acknowledged, and not there")
  }
  // A refusal says whether the change had taken effect before the claim.
  if (operation === "update" && code !== "CKPT_UNKNOWN_OUTCOME" && (code === undefined || applied) !== committed)
    wrong.push(`${code ?? "done"}, applied: ${applied}, and not so`)
  if (operation === "pin" && code !== "CKPT_UNKNOWN_OUTCOME" && (code === undefined) !== pinned)
    wrong.push(`${code ?? "pinned"}, and not so`)
  if (operation === "remove" && ok === true && ids.includes(1)) wrong.push("removed, and there")
  if (operation === "prune" && ok !== undefined) {
    const { removed } = ok as { removed: number[] }
    if (removed.some((id) => ids.includes(id))) wrong.push(`pruned ${removed}, and there`)
  }
  return wrong
}

function leadersManifest(id: number) {
  return createManifest({ checkpointId: id, epoch: 1_000 + id })
}

/** Every file that is no claim and has no temporary name, with a hash of its bytes; every folder. */
async function contents(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const name of await readdir(root, { recursive: true })) {
    if (/(^|\/)\.(claims|tmp|stage|latest|writer)\b/.test(name)) continue
    const path = join(root, name)
    const info = await lstat(path)
    found.set(
      name,
      info.isDirectory()
        ? "a folder"
        : createHash("sha256")
            .update(await readFile(path))
            .digest("hex"),
    )
  }
  return found
}

function differences(before: Map<string, string>, after: Map<string, string>): string[] {
  const all = new Set([...before.keys(), ...after.keys()])
  return [...all].flatMap((name) => {
    if (before.get(name) === after.get(name)) return []
    // An empty folder is nobody's loss: whoever needs it makes it again.
    const isEmpty = before.get(name) === "a folder" && ![...before.keys()].some((other) => other.startsWith(`${name}/`))
    if (isEmpty && !after.has(name)) return []
    return [`${name} was ${before.has(name) ? (after.has(name) ? "changed" : "removed") : "added"}`]
  })
}
