// The programs of core's README, of the pages in docs/store, of docs/objects.md and of the conformance suite's README run here, over memory, with what
// `around-readmes.d.ts` declares around them. The programs of the storages run in the tests of their packages, and the program of the repository's in installed.test.ts.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as conformance from "@ckpt/conformance"
import * as core from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import ts from "typescript-lowest"
import { describe, expect, test } from "vitest"
import { repository } from "./public-packages.js"

type Case = (around: Around) => Promise<void>

/** What a program finds around it, and a way to run it. */
interface Around {
  readonly store: core.CheckpointStore
  readonly from: core.CheckpointStore
  readonly to: core.CheckpointStore
  readonly backend: MemoryBackend
  readonly logged: unknown[][]
  run(more?: object): Promise<void>
}

const state = new TextEncoder().encode("state")

/** By page, and by a line of its program: what must be so after it, and what it needs beforehand. */
const cases: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  "packages/core/README.md": {
    "const { id } = await store.saveNext({}, { state: json(count + 1) })": async ({ store, backend, logged, run }) => {
      function MemoryBackend() {
        return backend
      }
      const console = { log: (text: string) => logged.push([text]) }
      for (const times of [1, 2]) {
        await run({ MemoryBackend, console })
        expect(logged.at(-1)).toEqual([`checkpoint ${times} holds ${times}`])
      }
      expect(await store.ids()).toEqual([1, 2])
    },
    "backend: new MyBackend()": async ({ backend, run }) => {
      let made = 0
      function MyBackend() {
        made++
        return backend
      }
      await run({ MyBackend })
      expect(made).toBe(1)
    },
  },
  "docs/store/README.md": {
    "const leader = await store.claim()": async ({ store, run }) => {
      await run({ state })
      expect(await store.ids()).toEqual([1])
      await expect(store.saveNext({}, { state })).rejects.toMatchObject({ code: "CKPT_FENCED" })
    },
    "openCheckpointStore({ backend, claim: true })": async ({ store, run }) => {
      await run()
      await expect(store.saveNext({}, { state })).rejects.toMatchObject({ code: "CKPT_FENCED" })
    },
    "const restored = await store.restore(": async ({ store, run }) => {
      await store.saveNext({ sourceOffsets: { orders: { offsets: { "0": 7 } } } }, { operators: { table: state } })
      const read: Uint8Array[] = []
      await run({
        addTo: (_table: Map<string, number>, chunk: Uint8Array) => read.push(chunk.slice()),
        bar: { update: () => undefined },
        startFresh: () => expect.unreachable(),
      })
      expect(Buffer.concat(read).toString()).toBe("state")
    },
  },
  "docs/store/checkpointer.md": {
    "const stopping = new AbortController()": async ({ store, logged, run }) => {
      const handled: string[] = []
      await run({
        records: (async function* () {
          yield* ["a", "b"]
        })(),
        handle: (record: string) => handled.push(record),
        offset: 2,
        window: { count: 2 },
      })
      process.removeAllListeners("SIGTERM")
      expect(handled).toEqual(["a", "b"])
      expect(logged).toContainEqual(["checkpoint 1 covers 2 records more"])
      expect(await (await store.loadLatest())?.sourceOffsets["orders"]?.offsets["0"]).toBe("2")
    },
  },
  "docs/store/sinks.md": {
    "const last = found.checkpoint?.manifest": async ({ store, run }) => {
      const pending = { windows: { status: "pending" } } as const
      await store.saveNext({ labels: { output: "orders-100" }, sinkCommitStatuses: pending }, { state })
      const outputs = [{ name: "orders-200", output: state, state }]
      const done: string[] = []
      const given = run({
        sink: {
          prepare: async (name: string) => void done.push(`prepare ${name}`),
          publish: async (name: string) => void done.push(`publish ${name}`),
        },
        nextOutput: async () => outputs.shift() ?? Promise.reject(new Error("no more records")),
      })
      await expect(given).rejects.toThrow("no more records")
      expect(done).toEqual(["publish orders-100", "prepare orders-200", "publish orders-200"])
      expect(await store.ids()).toEqual([1, 2])
      expect((await store.loadLatest())?.sinkCommitStatuses["windows"]?.status).toBe("committed")
    },
    "snapshot: async () => {": async ({ store, run }) => {
      const done: string[] = []
      let made: core.Checkpointer | undefined
      await run({
        createCheckpointer: (...given: Parameters<typeof core.createCheckpointer>) => {
          made = core.createCheckpointer(...given)
          return made
        },
        nextOutput: async () => ({ name: "orders-700", output: state, state }),
        sink: {
          prepare: async (name: string) => void done.push(`prepare ${name}`),
          publish: async (name: string) => void done.push(`publish ${name}`),
        },
      })
      await made?.tick()
      await made?.flush()
      await made?.close()
      expect(done.slice(0, 2)).toEqual(["prepare orders-700", "publish orders-700"])
      expect((await store.loadLatest())?.sinkCommitStatuses["windows"]?.status).toBe("committed")
    },
  },
  "docs/store/copying.md": {
    "const { copied, existed, skipped }": async ({ from, to, logged, run }) => {
      await from.saveNext({}, { state })
      await run()
      expect(await to.ids()).toEqual([1])
      expect(logged.at(-1)).toEqual([1, 1, 1])
    },
    "const following = new AbortController()": async ({ from, to, run }) => {
      await from.saveNext({}, { state })
      await run({ jobHasEnded: () => from.saveNext({}, { state }) })
      expect(await to.ids()).toEqual([1, 2])
    },
  },
  "docs/objects.md": {
    "await using objects = openObjects(backend": async ({ backend, run }) => {
      function FsBackend() {
        return backend
      }
      const [first, second] = ["first", "second"].map((text) => new TextEncoder().encode(text))
      await run({ FsBackend, bytes: state, first, second })
      await using objects = core.openObjects(backend, { prefix: "team/threads" })
      expect((await objects.list({})).map(({ key }) => key)).toEqual(["7/head"])
      expect((await objects.read("7/head"))?.bytes).toEqual(second)
    },
  },
  "packages/conformance/README.md": {
    "await describeBackend({": async ({ run }) => {
      const names = await registered(run, "describeBackend")
      expect(names.length).toBeGreaterThan(20)
    },
    "describeScenarios({": async ({ run }) => {
      const names = await registered(run, "describeScenarios")
      expect(names.length).toBeGreaterThanOrEqual(conformance.allScenarios.length)
    },
  },
}

/** Runs a program that registers cases, and the first of them. Returns the names of all. */
async function registered(run: Around["run"], what: string): Promise<string[]> {
  const cases: [name: string, body: () => Promise<void>][] = []
  const places = new Map<string, MemoryBackend>()
  await run({
    test: (name: string, body: () => Promise<void>) => cases.push([name, body]),
    MyBackend: class {
      constructor(place: { prefix: string }) {
        const known = places.get(place.prefix)
        const backend = known ?? new MemoryBackend()
        places.set(place.prefix, backend)
        // biome-ignore lint/correctness/noConstructorReturn: the README's class is the reader's own
        return backend as never
      }
    },
    removeAll: async (prefix: string) => void places.delete(prefix),
    createEmptyPlace: () => ({ prefix: crypto.randomUUID(), remove: async () => undefined }),
  })
  const [[name, body] = [what, () => Promise.reject(new Error("no case was registered"))]] = cases
  expect(name).not.toBe("")
  await body()
  return cases.map(([each]) => each)
}

const AsyncFunction = (async () => undefined).constructor as new (
  ...parts: string[]
) => (...given: unknown[]) => Promise<void>

/** Runs a program with names around it. Its imports are such names too. */
async function execute(program: string, names: Readonly<Record<string, unknown>>): Promise<void> {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  const source = `const ofTheReader = async () => {${program.replace(/^import .*$/gm, "")}\n}`
  const { outputText } = ts.transpileModule(source, { compilerOptions })
  await new AsyncFunction(...Object.keys(names), `${outputText}\nawait ofTheReader()`)(...Object.values(names))
}

describe.each(Object.entries(cases))("%s", (page, expected) => {
  const text = readFileSync(join(repository, page), "utf8")
  const programs = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, program = ""]) => program)

  test("each program is run below", () => {
    const lines = Object.keys(expected)
    expect(programs.map((program) => lines.filter((line) => program.includes(line)).length)).toEqual(
      programs.map(() => 1),
    )
    expect(programs.length).toBe(lines.length)
  })

  test.each(Object.entries(expected))("%s", async (line, check) => {
    const program = programs.find((each) => each.includes(line)) ?? ""
    const [backend, ...others] = [new MemoryBackend(), new MemoryBackend(), new MemoryBackend()]
    const [store, from, to] = await Promise.all(
      [backend, ...others].map((each) => core.openCheckpointStore({ backend: each as MemoryBackend })),
    )
    if (store === undefined || from === undefined || to === undefined || backend === undefined)
      throw new Error("no store")
    const logged: unknown[][] = []
    const log = (...told: unknown[]) => void logged.push(told)
    const run = (more = {}) =>
      execute(program, { ...conformance, ...core, store, from, to, backend, log, state, ...more })
    await check({ store, from, to, backend, logged, run })
    for (const each of [store, from, to]) await each.close()
  })
})
