import { mkdir } from "node:fs/promises"
import { expect, test } from "vitest"
import { type FileApi, nodeFiles, type OpenFile } from "../../src/files/file-api.js"
import { temporaryFolder } from "../folder.js"
import { seed } from "./ledger.js"
import { MemoryFiles } from "./memory-files.js"
import { seeded } from "./power-cut.js"
import { bytes } from "./support.js"

/** A call at random on a few names, and its answer without what two filesystems need not have in common. */
type Step = (files: FileApi, root: string, open: Map<number, OpenFile>) => Promise<unknown>

const names = ["a", "b", "a/a", "a/b", "b/c", "a/b/c", "none/x"]
const key = { bigint: true } as const

function step(random: () => number): [what: string, step: Step] {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  const [from, to, handle] = [pick(names), pick(names), Math.floor(random() * 3)]
  const [size, position] = [1 + Math.floor(random() * 5), Math.floor(random() * 4)]
  const of = (files: OpenFile | undefined) => files ?? Promise.reject(new Error("not open"))
  const steps: Record<string, Step> = {
    create: async (files, root, open) => void open.set(handle, await files.open(`${root}/${from}`, "wx", 0o666)),
    open: async (files, root, open) => void open.set(handle, await files.open(`${root}/${from}`, "r")),
    write: async (_f, _r, open) => {
      const file = await of(open.get(handle))
      return (await file.write(bytes("xyzuvw".slice(0, size)), 0, size, position)).bytesWritten
    },
    writev: async (_f, _r, open) => {
      const file = await of(open.get(handle))
      return (await file.writev([bytes("one"), bytes("two")], position)).bytesWritten
    },
    read: async (_f, _r, open) => {
      const buffer = new Uint8Array(8)
      const { bytesRead } = await (await of(open.get(handle))).read(buffer, 0, 8, position)
      return [bytesRead, ...buffer]
    },
    truncate: async (_f, _r, open) => (await of(open.get(handle))).truncate(size),
    times: async (_f, _r, open) => (await of(open.get(handle))).utimes(1_600_000_000.25, 1_600_000_000.25),
    size: async (_f, _r, open) => sizeOf(await (await of(open.get(handle))).stat(key)),
    close: async (_f, _r, open) => {
      const file = await of(open.get(handle))
      open.delete(handle)
      await file.close()
    },
    mkdir: async (files, root) => void (await files.mkdir(`${root}/${from}`)),
    rename: (files, root) => files.rename(`${root}/${from}`, `${root}/${to}`),
    link: (files, root) => files.link(`${root}/${from}`, `${root}/${to}`),
    unlink: (files, root) => files.unlink(`${root}/${from}`),
    rmdir: (files, root) => files.rmdir(`${root}/${from}`),
    lstat: async (files, root) => sizeOf(await files.lstat(`${root}/${from}`, key)),
    readdir: async (files, root) => {
      const entries = await files.readdir(`${root}/${from}`, { withFileTypes: true })
      return entries.map((entry) => `${entry.name} ${entry.isDirectory()}`).sort()
    },
    realpath: async (files, root) => (await files.realpath(`${root}/${from}`)).slice(root.length),
  }
  const what = pick(Object.keys(steps))
  return [`${what} ${from} ${to} ${handle}`, steps[what]!]
}

const sizeOf = (info: Awaited<ReturnType<FileApi["lstat"]>>) =>
  info.isDirectory() ? "folder" : [info.size, info.nlink, info.mtimeNs === 1_600_000_000_250_000_000n]

const answer = (promise: Promise<unknown>) =>
  promise.catch((error: NodeJS.ErrnoException) => ({ code: error.code, message: error.code ?? error.message }))

test("the filesystem in memory answers as the real one, whatever is called in whatever order", async () => {
  process.stdout.write(`memory files: seed ${seed}\n`)
  const random = seeded(seed)
  let failures = 0
  for (let run = 0; run < 12; run++) {
    const real = await temporaryFolder()
    const memory = new MemoryFiles()
    memory.plant("/root/")
    const opened = [new Map<number, OpenFile>(), new Map<number, OpenFile>()] as const
    await mkdir(`${real}/a`)
    memory.plant("/root/a/")
    const done: string[] = []
    for (let n = 0; n < 120; n++) {
      const [what, make] = step(random)
      // Neither filesystem takes back the numbers of files that are open no more.
      if (/^(?:create|open) /.test(what)) for (const files of opened) await files.get(Number(what.at(-1)))?.close()
      const answers = await Promise.all([
        answer(make(nodeFiles, real, opened[0])),
        answer(make(memory, "/root", opened[1])),
      ])
      done.push(what)
      if (Object.hasOwn(Object(answers[0]), "code")) failures++
      expect(answers[1], `seed ${seed}, run ${run}: ${done.slice(-8).join("; ")}`).toEqual(answers[0])
      if (/^(?:create|open) /.test(what) && answers[0] !== undefined)
        for (const files of opened) files.delete(Number(what.at(-1)))
    }
    for (const files of opened) for (const file of files.values()) await file.close()
  }
  // Both answers and failures were seen.
  expect(failures).toBeGreaterThan(150)
})
