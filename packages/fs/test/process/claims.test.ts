import { execFileSync } from "node:child_process"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { type CheckpointStore, type LeaderStore, openFsStore } from "@ckpt/fs"
import { expect, onTestFinished, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import { type Child, expectContents, fill, folderOf, mounted, seed, start, tell } from "./support.js"
import { contentsOf, manifestOf } from "./workload.mjs"

/** Longer than any of these tests may take: who is taken over before is not taken over for silence. */
const never = 10 * 60_000

function claimer(root: string, silentAfterMs: number): Child {
  const child = start("claimer.mjs", [root, String(silentAfterMs)])
  onTestFinished(() => void child.process.kill("SIGKILL"))
  return child
}

async function open(root: string, silentAfterMs: number): Promise<CheckpointStore> {
  const store = await openFsStore(root, { silentAfterMs })
  onTestFinished(() => store.close())
  return store
}

async function claimed(store: CheckpointStore): Promise<LeaderStore> {
  const leader = await store.claim()
  onTestFinished(() => leader.close())
  return leader
}

test("of processes that claim at once exactly one leads, the others are told by whom", {
  timeout: 120_000,
}, async () => {
  for (let round = 0; round < 5; round++) {
    const root = await temporaryFolder()
    const children = Array.from({ length: 3 }, () => claimer(root, never))
    await Promise.all(children.map((child) => child.lines(1)))
    const answers = await Promise.all(children.map((child) => tell(child, "claim")))
    const leaders = children.filter((_, index) => answers[index]?.startsWith("leads "))
    expect(leaders, answers.join("\n")).toHaveLength(1)
    const pid = leaders[0]?.process.pid
    for (const answer of answers) {
      if (!answer.startsWith("leads ")) expect(answer).toMatch(/^refused CKPT_FENCED /)
      if (!answer.startsWith("leads ")) expect(answer).toContain(`by process ${pid} on host `)
    }
    for (const child of leaders) expect(await tell(child, "save 1")).toBe("ack 1")
    for (const child of children) child.process.kill("SIGKILL")
    await Promise.all(children.map((child) => child.ended))
  }
})

test("a holder that lives is not superseded; one that was killed is, at once; one that closed too", async () => {
  const root = await temporaryFolder()
  await seed(root, [1])
  const holder = claimer(root, never)
  await holder.lines(1)
  expect(await tell(holder, "claim")).toBe("leads 1")
  const plain = await open(root, never)
  await expect(plain.claim()).rejects.toMatchObject({
    code: "CKPT_FENCED",
    message: expect.stringMatching(
      new RegExp(`process ${holder.process.pid} on host .*showed life .* ago.*claim again once it has been silent for`),
    ),
  })
  await expect(plain.save(manifestOf(2))).rejects.toMatchObject({ code: "CKPT_FENCED" })
  expect(await tell(holder, "save 2")).toBe("ack 2")

  holder.process.kill("SIGKILL")
  await holder.ended
  const leader = await claimed(plain)
  expect((await leader.recover()).checkpoint?.id).toBe(2)
  await leader.save(manifestOf(3))
  await leader.close()

  const next = claimer(root, never)
  await next.lines(1)
  expect(await tell(next, "claim")).toMatch(/^leads \d+$/)
  expect(await tell(next, "close")).toBe("closed")
  const last = await claimed(plain)
  expect((await last.recover()).checkpoint?.id).toBe(3)
})

test("a holder that was stopped is superseded once it was silent, and told when it wakes", {
  timeout: 60_000,
}, async () => {
  const root = await temporaryFolder()
  const silentAfterMs = 400
  const holder = claimer(root, silentAfterMs)
  await holder.lines(1)
  expect(await tell(holder, "claim")).toBe("leads 1")
  expect(await tell(holder, "save 1")).toBe("ack 1")
  const plain = await open(root, silentAfterMs)
  // It beats: three times as long as a silence may last, it is not superseded.
  for (const end = Date.now() + 3 * silentAfterMs; Date.now() < end; await pause(20)) {
    await expect(plain.claim()).rejects.toMatchObject({ code: "CKPT_FENCED" })
  }
  holder.process.kill("SIGSTOP")
  let leader: LeaderStore | undefined
  for (const end = Date.now() + 30_000; leader === undefined; await pause(20)) {
    expect(Date.now()).toBeLessThan(end)
    leader = await claimed(plain).catch(({ code }) => void expect(code).toBe("CKPT_FENCED"))
  }
  await leader.save(manifestOf(2))
  holder.process.kill("SIGCONT")
  expect(await tell(holder, "save 3")).toMatch(/^refused CKPT_FENCED /)
  expect(await leader.ids()).toEqual([1, 2])
})

test("a claim does not keep its process alive", async () => {
  const child = claimer(await temporaryFolder(), never)
  await child.lines(1)
  expect(await tell(child, "claim")).toBe("leads 1")
  child.process.stdin?.end()
  expect(await child.ended).toMatchObject({ code: 0, signal: null, stderr: "" })
})

test.for([
  ["pages", "killed"],
  ["pages", "closed"],
  ["inodes", "killed"],
  ["inodes", "closed"],
] as const)(
  "no %s left, and the leader was %s: the next one claims, prunes and saves",
  async ([what, end], context) => {
    const root = await mounted(context, "size=1m,nr_inodes=80")
    const holder = claimer(root, never)
    await holder.lines(1)
    expect(await tell(holder, "claim")).toBe("leads 1")
    for (const id of [1, 2, 3, 4]) expect(await tell(holder, `save ${id}`)).toBe(`ack ${id}`)
    if (end === "closed") expect(await tell(holder, "close")).toBe("closed")
    await fill(root, what)
    holder.process.kill("SIGKILL")
    await holder.ended

    const plain = await open(root, never)
    await expect(plain.prune({ last: 1 })).rejects.toMatchObject({ code: "CKPT_FENCED" })
    const leader = await claimed(plain)
    expect((await leader.recover()).checkpoint?.id).toBe(4)
    await expect(leader.save(manifestOf(5), contentsOf(5))).rejects.toMatchObject({ message: /ENOSPC/ })
    expect(await leader.prune({ last: 1 })).toMatchObject({ removed: [1, 2, 3], failures: [] })
    await leader.save(manifestOf(5))
    for (const id of [4, 5]) expect((await leader.verify(id)).valid).toBe(true)

    // The leader is superseded as any other, and only once it shows no life.
    const other = claimer(root, never)
    await other.lines(1)
    expect(await tell(other, "claim")).toMatch(/^refused CKPT_FENCED /)
    await leader.save(manifestOf(6))
    await rm(join(root, "eaters"), { recursive: true })
    const next = await claimed(plain)
    await expect(leader.save(manifestOf(7))).rejects.toMatchObject({ code: "CKPT_FENCED" })
    await next.save(manifestOf(7), contentsOf(7))
    expect(await next.ids()).toEqual([4, 5, 6, 7])
    await expectContents(next, 7, "with room again")
  },
)

test("a snapshot that is mounted read-only among the checkpoints is passed over, and said to be", async (context) => {
  const root = await temporaryFolder()
  await seed(root, [1, 2])
  const snapshot = join(root, "checkpoints", folderOf(9))
  await mkdir(snapshot)
  await mounted(context, "size=1m", snapshot)
  await mkdir(join(snapshot, ".claims"))
  await writeFile(join(snapshot, ".claims", "claim-000001.json"), "{}")
  await writeFile(join(snapshot, ".tmp-0123456789abcdef"), "theirs")
  execFileSync("mount", ["-o", "remount,ro", snapshot])
  const passedOver: (readonly string[] | undefined)[] = []
  const store = await openFsStore(root, {
    onEvent: (event) => {
      if (event.type === "claimed") passedOver.push(event.passedOver)
    },
  })
  onTestFinished(() => store.close())
  const leader = await claimed(store)
  expect(passedOver).toEqual([[`checkpoints/${folderOf(9)}`]])
  await leader.save(manifestOf(3))
  expect(await leader.ids()).toEqual([1, 2, 3])
})
