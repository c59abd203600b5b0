import assert from "node:assert/strict"
import {
  type CheckpointStore,
  type LayoutName,
  type ObjectBackend,
  type Objects,
  type ObjectsOptions,
  openCheckpointStore,
  openObjects,
  type StoreEvent,
  type StoreOptions,
} from "@ckpt/core"
import { aFunction, anObject, checkOptions, milliseconds, type ShapeOf } from "@ckpt/core/adapter"
import { Activity } from "./activity.js"
import { bytesOf, joined } from "./bytes.js"
import { instantClock, ManualClock } from "./clocks.js"
import { assertGiven } from "./given.js"
import { scenarioFailure } from "./report.js"
import { mostOpen, type TestStorage } from "./storage.js"

/** What a scenario works with. */
export interface ScenarioContext {
  /** The layout of its stores. */
  readonly layout: LayoutName
  /** The storage behind the store. With it a scenario plants, damages or removes objects. */
  readonly raw: ObjectBackend
  /** The keys of this layout. */
  readonly keys: ScenarioKeys
  /**
   * Opens a store over the storage; `through` puts a fault or a counter between them. The store is closed at the end.
   */
  open(options?: StoreOptions & Through): Promise<CheckpointStore>
  /** Opens objects over the storage, as {@link open} opens a store. */
  openObjects(options?: ObjectsOptions & Through): Promise<Objects>
  /** All events of the stores of this scenario. */
  readonly events: StoreEvent[]
  /** Creates or overwrites one object. */
  plant(key: string, bytes: Uint8Array | string): Promise<void>
  /** The bytes of one object; `undefined` if there is no such object. */
  peek(key: string): Promise<Uint8Array | undefined>
  /** Every key of the storage, sorted. */
  allKeys(): Promise<string[]>
  /** Resolves once the storage has answered every call and everything that needs no time has gone on. */
  settled(): Promise<void>
}

/** What a scenario puts between what it opens and the storage. */
export interface Through {
  /** Stands between the store and its storage. */
  through?: ((backend: ObjectBackend) => ObjectBackend) | undefined
}

/** The keys of one layout. */
export interface ScenarioKeys {
  /** Of the manifest of a checkpoint. */
  manifest(id: number): string
  /** Of the state of a checkpoint. */
  state(id: number): string
  /** Of the pointer. */
  readonly pointer: string
  /** Of the history. */
  readonly history: string
}

/** One behaviour of a whole store, as data. Any test runner can run it, over any backend and in both layouts. */
export interface Scenario {
  /** The behaviour, as the runner shows it. */
  readonly name: string
  /** The only layout to run in; default both. */
  readonly layout?: LayoutName
  /** Rejects if the store does not behave so, best with an `AssertionError`. */
  run(context: ScenarioContext): Promise<void>
}

const names = {
  directory: {
    manifest: (id: string) => `checkpoints/checkpoint_${id}/manifest.json`,
    state: (id: string) => `checkpoints/checkpoint_${id}/state.bin`,
    pointer: "checkpoints/latest.txt",
    history: "checkpoints/history.json",
  },
  objects: {
    manifest: (id: string) => `manifests/manifest-${id}.json`,
    state: (id: string) => `checkpoints/state-${id}.bin`,
    pointer: "manifests/latest.json",
    history: "manifests/history.json",
  },
}

/** Runs one scenario on a fresh storage. Rejects with its failure. */
export async function runScenario(
  scenario: Scenario,
  layout: LayoutName,
  createStorage: () => TestStorage | Promise<TestStorage>,
): Promise<void> {
  const storage = await createStorage()
  const activity = new Activity()
  const raw = await (storage.outside?.() ?? storage.open())
  const stores: AsyncDisposable[] = []
  const backends = new Set<AsyncDisposable>()
  const clocks = new Set<ManualClock>()
  const events: StoreEvent[] = []
  const padded = (id: number) => String(id).padStart(6, "0")
  const backendOf = async ({ through = (one: ObjectBackend) => one }: Through): Promise<ObjectBackend> => {
    const backend = await storage.open()
    backends.add(backend)
    assert.ok(backends.size < mostOpen, `a scenario has no more than ${mostOpen} backends open at once`)
    return {
      ...through(activity.track(backend)),
      // What a scenario closes takes its backend with it: a storage may have few places for them.
      async [Symbol.asyncDispose]() {
        backends.delete(backend)
        await backend[Symbol.asyncDispose]()
      },
    }
  }
  try {
    await scenario.run({
      layout,
      raw,
      // Spelt out here, not taken from core: a scenario must fail if core changes a name at rest.
      keys: {
        manifest: (id) => names[layout].manifest(padded(id)),
        state: (id) => names[layout].state(padded(id)),
        pointer: names[layout].pointer,
        history: names[layout].history,
      },
      events,
      async open({ through, onEvent, ...options } = {}) {
        if (options.clock instanceof ManualClock) clocks.add(options.clock)
        const store = await openCheckpointStore({
          clock: instantClock(),
          ...options,
          layout,
          backend: await backendOf({ through }),
          ownsBackend: true,
          onEvent(event) {
            events.push(event)
            onEvent?.(event)
          },
        })
        stores.push(store)
        return store
      },
      async openObjects({ through, ...options } = {}) {
        if (options.clock instanceof ManualClock) clocks.add(options.clock)
        const backend = await backendOf({ through })
        const objects = openObjects(backend, { clock: instantClock(), ...options, ownsBackend: true })
        stores.push(objects)
        return objects
      },
      async plant(key, bytes) {
        await raw.put(key, [typeof bytes === "string" ? bytesOf(bytes) : bytes])
      },
      async peek(key) {
        const content = await raw.get(key)
        return content && joined(content.body)
      },
      async allKeys() {
        const keys: string[] = []
        for await (const meta of raw.list("")) keys.push(meta.key)
        return keys.sort()
      },
      settled: () => activity.settled(),
    })
  } catch (error) {
    throw scenarioFailure(scenario, layout, error, activity.latest)
  } finally {
    for (const resource of [...stores, ...backends]) await disposed(resource, clocks)
    await raw[Symbol.asyncDispose]()
    await storage.dispose?.()
  }
}

/** Closing gives up a storage that never answers once its time is over, and a manual clock does not go on by itself. */
async function disposed(resource: AsyncDisposable, clocks: ReadonlySet<ManualClock>): Promise<void> {
  let over = false
  const closing = resource[Symbol.asyncDispose]().then(() => {
    over = true
  })
  for (let minutes = 0; clocks.size > 0 && !over && minutes < 100; minutes++)
    for (const clock of clocks) await clock.advance(60_000)
  await closing
}

/** The runner's limit for one scenario. Some scenarios go through hundreds of crashes on a slow disk. */
const defaultTimeoutMs = 120_000

/** The options of {@link describeScenarios}. */
export interface ScenariosOptions {
  /** `test` of any runner: vitest, node:test, … */
  readonly test: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown
  /** Makes a fresh storage for each scenario. */
  readonly storage: () => TestStorage | Promise<TestStorage>
  /** The scenarios to run, such as {@link allScenarios}. */
  readonly scenarios: readonly Scenario[]
  /** Default: both. */
  readonly layouts?: readonly LayoutName[]
  /** The runner's limit for each scenario, in milliseconds; default 120,000. */
  readonly timeoutMs?: number
}

const scenariosShape: ShapeOf<ScenariosOptions> = {
  fields: { test: aFunction, storage: aFunction, scenarios: anObject, layouts: anObject, timeoutMs: milliseconds(1) },
  example: "{ test, storage, scenarios }",
}

/** Registers scenarios with a test runner. */
export function describeScenarios(options: ScenariosOptions): void {
  checkOptions("describeScenarios", options, scenariosShape)
  assertGiven("describeScenarios", options, ["test", "storage", "scenarios"])
  const { timeoutMs = defaultTimeoutMs } = options
  for (const layout of options.layouts ?? (["directory", "objects"] as const)) {
    for (const scenario of options.scenarios) {
      if (scenario.layout !== undefined && scenario.layout !== layout) continue
      const body = () => runScenario(scenario, layout, options.storage)
      void options.test(`${layout} layout: ${scenario.name}`, body, timeoutMs)
    }
  }
}
