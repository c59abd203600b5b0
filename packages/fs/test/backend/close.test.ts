import { setImmediate as nextTurn } from "node:timers/promises"
import { type CheckpointStore, createManifest } from "@ckpt/core"
import { expect, test } from "vitest"
import { type FileApi, nodeFiles, type OpenFile } from "../../src/files/file-api.js"
import { openFsStore } from "../../src/open.js"
import { temporaryFolder } from "../folder.js"
import { MemoryFiles } from "./memory-files.js"
import { bytes, forgetProcess, isTemporary, stream } from "./support.js"

/** File calls that have not ended, and files that are open. The signal is aborted at file call `at`. */
class Busy {
  underWay = 0
  open = 0
  calls = 0
  readonly abort = new AbortController()
  readonly #at: number

  readonly files: FileApi

  constructor(at: number, files: FileApi) {
    this.#at = at
    this.files = this.#counted(methodsOf(files, Object.keys(nodeFiles)), (file) => {
      this.open++
      const ours = new Set<Promise<unknown>>()
      const close = async () => {
        // As Node does.
        await Promise.allSettled(ours)
        await file.close()
        this.open--
      }
      const calls = this.#counted({ ...methodsOf(file, names), close }, (answer) => answer)
      const noted = Object.entries(calls).map(([name, call]) => [
        name,
        (...given: unknown[]) => {
          const answer = (call as (...given: unknown[]) => Promise<unknown>)(...given)
          if (name !== "close") void ours.add(answer)
          return answer
        },
      ])
      return Object.fromEntries(noted)
    })
  }

  #counted<T extends object>(calls: T, opened: (file: OpenFile) => unknown): T {
    const counted = Object.entries(calls).map(([name, call]) => [
      name,
      async (...given: unknown[]) => {
        if (this.calls++ === this.#at) this.abort.abort(new Error("enough"))
        this.underWay++
        try {
          // As on a disk, other calls may begin meanwhile.
          await nextTurn()
          const answer = await call(...given)
          return name === "open" ? opened(answer) : answer
        } finally {
          this.underWay--
        }
      },
    ])
    return Object.fromEntries(counted)
  }
}

const names = ["write", "writev", "read", "stat", "truncate", "utimes", "datasync", "sync", "close"] as const

function methodsOf<T extends object>(of: T, names: readonly string[]): T {
  const bound = (name: string) => (of as Record<string, (...given: unknown[]) => unknown>)[name]?.bind(of)
  return Object.fromEntries(names.map((name) => [name, bound(name)])) as T
}

type Run = (store: CheckpointStore, signal: AbortSignal) => Promise<unknown>

const state = () => stream(bytes("one"), bytes("two"))

/** On checkpoints 1 to 3, of which 1 is pinned, and on the state of 4, which has no manifest. */
const operations: Readonly<Record<string, Run>> = {
  save: (store, signal) => store.save(createManifest({ checkpointId: 5, epoch: 5 }), { state: state(), signal }),
  writeState: (store, signal) => store.writeState(6, state(), { signal }),
  update: (store, signal) => store.update(3, (current) => ({ ...current, epoch: 9 }), { signal }),
  pin: (store, signal) => store.pin(2, "two", { signal }),
  unpin: (store, signal) => store.unpin("one", { signal }),
  remove: (store, signal) => store.remove(2, { signal }),
  prune: (store, signal) => store.prune({ last: 1 }, { signal }),
  collectOrphans: (store, signal) => store.collectOrphans({ olderThanMs: 0, signal }),
  claim: async (store, signal) => {
    await using leader = await store.claim({ signal })
    await leader.save(createManifest({ checkpointId: 5, epoch: 5 }), { state: state(), signal })
  },
  list: async (store, signal) => {
    for await (const _ of store.list({ signal })) {
    }
  },
  verify: (store, signal) => store.verify(3, { signal }),
  recover: (store, signal) => store.recover({ signal }),
  readState: async (store, signal) => (await store.readState(3, { signal }))?.bytes(),
}

for (const layout of ["directory", "objects"] as const) {
  test.each(Object.entries(operations))(
    `${layout} layout: %s that is aborted at any file call leaves no temporary name, open file or call once close resolves`,
    // Hundreds of stores, one for each file call: in memory.
    { timeout: 300_000 },
    async (_, run) => {
      const prepared = new MemoryFiles()
      prepared.plant("/disk/")
      forgetProcess()
      const plain = await openFsStore("/disk/store", { layout, files: prepared })
      for (const id of [1, 2, 3]) await plain.save(createManifest({ checkpointId: id, epoch: id }), { state: state() })
      await plain.pin(1, "one")
      await plain.writeState(4, state())
      await plain.close()
      for (let at = 0; ; at++) {
        forgetProcess()
        const memory = prepared.copy()
        const busy = new Busy(at, memory)
        const store = await openFsStore("/disk/store", { layout, files: busy.files })
        await run(store, busy.abort.signal).catch(() => undefined)
        await store.close()
        const { underWay, open, calls } = busy
        expect({
          at,
          underWay,
          open,
          temporary: [...memory.contents()].map(([path]) => path).filter(isTemporary),
        }).toEqual({
          at,
          underWay: 0,
          open: 0,
          temporary: [],
        })
        // Nothing began since.
        expect(busy.calls).toBe(calls)
        if (calls <= at) break
      }
    },
  )
}

test.each(["a plain store", "a leader"])("%s closes although the disk hangs for good, after timeoutMs", async (who) => {
  const root = await temporaryFolder()
  let hangs = false
  const stalled = new Set<string>()
  // Every call hangs, as on a network folder whose server is gone.
  const files = Object.fromEntries(
    Object.entries(nodeFiles).map(([name, call]) => [
      name,
      (...given: unknown[]) => {
        if (!hangs) return (call as (...given: unknown[]) => unknown)(...given)
        stalled.add(name)
        return new Promise(() => {})
      },
    ]),
  ) as unknown as FileApi
  const store = await openFsStore(root, { files, timeoutMs: 300, retry: { attempts: 1 }, claim: who === "a leader" })
  await store.saveNext()
  hangs = true
  await store.close()
  expect(stalled.size).toBeGreaterThan(0)
})
