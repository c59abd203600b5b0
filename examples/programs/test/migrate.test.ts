import { createHash } from "node:crypto"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createManifest, json, type LeaderStore, openFsStore } from "@ckpt/fs"
import { afterAll, beforeAll, expect, test } from "vitest"
import {
  contentOf,
  damage,
  expectShort,
  type Moment,
  momentsByChance,
  newest,
  Program,
  temporaryFolder,
} from "./support.js"

const migrate = new Program("migrate")

/** The folder of a job that has ended, `from`, and where an uninterrupted run took it, `to`. */
let whole: string
let stored: Record<string, string>
beforeAll(async () => {
  whole = mkdtempSync(join(tmpdir(), "ckpt-programs-"))
  await (await makeJob(join(whole, "from"))).release()
  cpSync(join(whole, "from"), join(whole, "original"), { recursive: true })
  migrate.finish([join(whole, "from"), join(whole, "to")])
  stored = digestsIn(join(whole, "to"))
  expect(Object.keys(stored)).toHaveLength(12)
})
afterAll(() => rmSync(whole, { recursive: true, force: true }))

/** Six checkpoints of a leader, with labels, sinks that committed, operators or a state, and two pins. */
async function makeJob(root: string): Promise<LeaderStore> {
  const store = await openFsStore(root, { claim: true })
  for (let id = 1; id <= 6; id++) {
    const sinkCommitStatuses = { table: { status: "pending" } } as const
    const state = new Uint8Array(400_000 + id).fill(id)
    const source = id % 2 === 1 ? { operators: { window: state, seen: json({ id }) } } : { state }
    await store.saveNext({ labels: { of: `${id}` }, sinkCommitStatuses }, source)
    await store.commitSink(id, "table")
  }
  await store.pin(2, "before-upgrade")
  await store.pin(5, "audit")
  return store
}

/** A copy of the job's folder, of its own, and a place to move it to. */
function places(): Places {
  const folder = temporaryFolder()
  cpSync(join(whole, "original"), join(folder, "from"), { recursive: true })
  return { from: join(folder, "from"), to: join(folder, "to") }
}

/** SHA-256 of each manifest and state in the layout of objects, by its name. */
function digestsIn(root: string): Record<string, string> {
  const all = { ...contentOf(join(root, "manifests")), ...contentOf(join(root, "checkpoints")) }
  const ours = Object.entries(all).filter(([name]) => /^(state|manifest)-\d/.test(name))
  return Object.fromEntries(
    ours.map(([name, text]) => [name, createHash("sha256").update(text, "latin1").digest("hex")]),
  )
}

interface Places {
  readonly from: string
  readonly to: string
}

/** One life that is killed. Nothing of the original is touched, and what is in the copy is right, byte by byte. */
async function killed({ from, to }: Places, moment: Moment): Promise<void> {
  const { signal, errors, lines } = migrate.run([from, to], moment)
  const at = `${JSON.stringify(moment)}, killed after: ${lines.at(-1)}`
  expect({ signal, errors }, at).toEqual({ signal: "SIGKILL", errors: "" })
  expect(stored, at).toMatchObject(digestsIn(to))
  expect(await newest(from), at).toBe(6)
}

async function finishes({ from, to }: Places): Promise<void> {
  expect(migrate.finish([from, to]).at(-1)).toBe("goes on from 6")
  expect(digestsIn(to)).toEqual(stored)
  const store = await openFsStore(to, { layout: "objects", claim: true })
  expect(await store.pins()).toEqual([
    { name: "before-upgrade", id: 2 },
    { name: "audit", id: 5 },
  ])
  expect((await store.list().toArray()).map(({ id, valid, labels }) => [id, valid, labels?.["of"]])).toEqual(
    [1, 2, 3, 4, 5, 6].map((id) => [id, true, `${id}`]),
  )
  const { checkpoint } = await store.recover()
  expect(checkpoint?.manifest.sinkCommitStatuses["table"]).toEqual({ status: "committed" })
  expect(await (await store.open({ pin: "audit" })).json("seen")).toEqual({ id: 5 })
  expect(await store.nextId()).toBe(7)
  await store.close()
}

test("killed while it claims and copies: every checkpoint and every pin is there, byte by byte", async () => {
  const at = places()
  // The claim of the source; the check of the target.
  const opening = [5, 30].map((change) => ({ lines: 0, change }))
  // Of the first checkpoint: the state, its name, the manifest, its name, the pointer. Then it is there, and has one line in each life.
  const copying = [1, 3, 6, 8, 11].map((change) => ({ lines: 1, change }))
  const second = [3, 12].map((change) => ({ lines: 2, change }))
  // Four checkpoints that are copied have three lines each.
  const pinning = [{ lines: 2 + 4 * 3, change: 3 }, ...[2, 9].map((change) => ({ lines: 6, change }))]
  for (const moment of [...opening, ...copying, ...second, ...pinning]) await killed(at, moment)
  await finishes(at)
})

test("killed by chance: every checkpoint and every pin is there, byte by byte", async () => {
  const at = places()
  for (const moment of momentsByChance(3, 4)) await killed(at, moment)
  await finishes(at)
})

test("it is refused while the job runs, and ends the job for ever once it is taken up", async () => {
  const { from, to } = { from: join(temporaryFolder(), "from"), to: temporaryFolder() }
  const job = await makeJob(from)
  const { status, errors } = migrate.run([from, to])
  expect({ status, code: errors.includes("CKPT_FENCED") }).toEqual({ status: 1, code: true })
  expect(digestsIn(to)).toEqual({})
  const late = await openFsStore(from)
  await job.release()
  migrate.finish([from, to])
  const manifest = createManifest({ checkpointId: 7, epoch: 7 })
  await expect(late.save(manifest)).rejects.toMatchObject({ code: "CKPT_FENCED" })
  await late.close()
})

test("a second one at the same time is refused, and the first goes on", async () => {
  const { from, to } = places()
  const first = await migrate.held([from, to], { lines: 3, change: 1 })
  const { status, errors } = migrate.run([from, to])
  expect({ status, code: errors.includes("CKPT_FENCED") }).toEqual({ status: 1, code: true })
  expect(await first.goOn()).toBe(0)
  expect(digestsIn(to)).toEqual(stored)
})

test.each(["state.bin", "manifest.json"])(
  "the newest %s is damaged: it is left behind, and both go on from the one before",
  (name) => {
    const { from, to } = places()
    damage(join(from, "checkpoints", "checkpoint_000006", name))
    expect(migrate.finish([from, to]).slice(-3)).toEqual([
      "left behind 6: CKPT_CORRUPT",
      "copied 5, found 0",
      "goes on from 5",
    ])
    const { "state-000006.bin": _s, "manifest-000006.json": _m, ...others } = stored
    expect(digestsIn(to)).toMatchObject(others)
  },
)

test("a target that has another checkpoint of the same id is refused, and keeps it", async () => {
  const { from, to } = places()
  const other = await openFsStore(to, { layout: "objects" })
  await other.saveNext({}, { state: new Uint8Array(7) })
  await other.close()
  const before = digestsIn(to)
  const { status, errors } = migrate.run([from, to])
  expect({ status, code: errors.includes("CKPT_CONFLICT") }).toEqual({ status: 1, code: true })
  expect(digestsIn(to)).toEqual(before)
})

test("once it has ended, another run copies nothing", () => {
  expect(migrate.finish([join(whole, "from"), join(whole, "to")]).slice(-2)).toEqual([
    "copied 0, found 6",
    "goes on from 6",
  ])
  expect(digestsIn(join(whole, "to"))).toEqual(stored)
})

test("it is short", () => expectShort(migrate))
