// What the compiler knows of opening, saving and manifests. `npm test -- typecheck` checks it; nothing is called at run time.
import { describe, expectTypeOf, test } from "vitest"
import {
  type BytesSource,
  type CheckpointManifest,
  type CheckpointStore,
  type ConnectorOffsets,
  createManifest,
  json,
  type LeaderStore,
  type ManifestInit,
  type NamedMap,
  type NextManifest,
  type ObjectBackend,
  openCheckpointStore,
  type SaveOptions,
  type SaveReceipt,
  type SinkCommitStatus,
  type StateReader,
  type StateSource,
  type StoreOperations,
  type StoreOptions,
} from "../../src/index.js"
import { typed } from "./typed.js"

declare const backend: ObjectBackend
declare const store: CheckpointStore
declare const manifest: CheckpointManifest

describe("opening", () => {
  test("claim: true gives the leader, and any other way a store", () => {
    typed(() => {
      expectTypeOf(openCheckpointStore({ backend })).resolves.toEqualTypeOf<CheckpointStore>()
      expectTypeOf(openCheckpointStore({ backend, claim: true })).resolves.toEqualTypeOf<LeaderStore>()
      expectTypeOf(openCheckpointStore({ backend, claim: false })).resolves.toEqualTypeOf<CheckpointStore>()
      const claim = Math.random() > 0.5
      expectTypeOf(openCheckpointStore({ backend, claim })).resolves.toEqualTypeOf<CheckpointStore | LeaderStore>()
      expectTypeOf(store.claim()).resolves.toEqualTypeOf<LeaderStore>()
    })
    expectTypeOf<CheckpointStore>().toExtend<StoreOperations>()
    expectTypeOf<LeaderStore>().toExtend<StoreOperations>()
    expectTypeOf<StoreOperations>().toExtend<AsyncDisposable>()
  })

  test("a leader has an epoch and release, and cannot claim or repair; a store the other way round", () => {
    expectTypeOf<LeaderStore["epoch"]>().toEqualTypeOf<number>()
    expectTypeOf<LeaderStore["release"]>().returns.resolves.toBeVoid()
    expectTypeOf<LeaderStore>().not.toHaveProperty("claim")
    expectTypeOf<LeaderStore>().not.toHaveProperty("repair")
    expectTypeOf<CheckpointStore>().not.toHaveProperty("epoch")
    expectTypeOf<CheckpointStore>().not.toHaveProperty("release")
    expectTypeOf<CheckpointStore>().not.toExtend<LeaderStore>()
  })

  test("what is no option is refused", () =>
    typed(() => [
      // @ts-expect-error a store needs a storage
      openCheckpointStore({}),
      // @ts-expect-error the class is no storage
      openCheckpointStore({ backend: Map }),
      // @ts-expect-error readOnly
      openCheckpointStore({ backend, readonly: true }),
      // @ts-expect-error retain
      openCheckpointStore({ backend, retian: { last: 3 } }),
      // @ts-expect-error every
      openCheckpointStore({ backend, retain: { last: 3, evry: 2 } }),
      // @ts-expect-error attempts
      openCheckpointStore({ backend, retry: { retries: 3 } }),
      // @ts-expect-error one of two layouts
      openCheckpointStore({ backend, layout: "folder" }),
      // @ts-expect-error a function
      openCheckpointStore({ backend, onEvent: console }),
    ]))

  test("an option may be undefined, so that it can be passed on", () => {
    expectTypeOf<{
      prefix: undefined
      retain: undefined
      readOnly: undefined
      onEvent: undefined
      timeoutMs: undefined
    }>().toExtend<StoreOptions>()
  })
})

describe("saving", () => {
  test("a state is bytes in any form, or a function that gives them", () => {
    expectTypeOf<Uint8Array>().toExtend<StateSource>()
    expectTypeOf<Buffer>().toExtend<StateSource>()
    expectTypeOf<Float64Array>().toExtend<StateSource>()
    expectTypeOf<DataView>().toExtend<StateSource>()
    expectTypeOf<ArrayBuffer>().toExtend<StateSource>()
    expectTypeOf<Blob>().toExtend<StateSource>()
    expectTypeOf<readonly [Uint8Array, ArrayBuffer]>().toExtend<StateSource>()
    expectTypeOf<AsyncIterable<Uint8Array>>().toExtend<StateSource>()
    expectTypeOf<AsyncGenerator<Buffer>>().toExtend<StateSource>()
    expectTypeOf<ReadableStream<Uint8Array>>().toExtend<StateSource>()
    expectTypeOf<() => Uint8Array>().toExtend<StateSource>()
    expectTypeOf<() => Promise<Blob>>().toExtend<StateSource>()
    expectTypeOf<() => AsyncGenerator<Uint8Array>>().toExtend<StateSource>()
    expectTypeOf(json({})).toExtend<BytesSource>()
    expectTypeOf<StateReader>().toExtend<StateSource>()
  })

  test("what is no bytes is refused", () => {
    expectTypeOf<string>().not.toExtend<StateSource>()
    expectTypeOf<number[]>().not.toExtend<StateSource>()
    expectTypeOf<{ count: number }>().not.toExtend<StateSource>()
    expectTypeOf<Generator<Uint8Array>>().not.toExtend<StateSource>()
    expectTypeOf<Promise<Uint8Array>>().not.toExtend<StateSource>()
    expectTypeOf<AsyncIterable<string>>().not.toExtend<StateSource>()
    expectTypeOf<() => () => Uint8Array>().not.toExtend<StateSource>()
  })

  test("operators are a record or a Map", () => {
    expectTypeOf<{ operators: { window: Float64Array; counts: () => Blob } }>().toExtend<SaveOptions>()
    expectTypeOf<{ operators: Map<string, Uint8Array> }>().toExtend<SaveOptions>()
    expectTypeOf<{ operators: Map<number, Uint8Array> }>().not.toExtend<SaveOptions>()
    expectTypeOf<{ operators: { window: string } }>().not.toExtend<SaveOptions>()
  })

  test("misspelt and misplaced options are refused", () =>
    typed(() => [
      // @ts-expect-error state
      store.save(manifest, { states: new Uint8Array() }),
      // @ts-expect-error operators
      store.save(manifest, { operator: { a: new Uint8Array() } }),
      // @ts-expect-error a manifest is made by createManifest
      store.save({ checkpointId: 1, epoch: 1 }),
      // @ts-expect-error the store takes the id
      store.saveNext({ checkpointId: 7 }),
      // @ts-expect-error the state goes into the second argument
      store.saveNext({ state: new Uint8Array() }),
      // @ts-expect-error a signal, not its controller
      store.saveNext({}, { signal: new AbortController() }),
      // @ts-expect-error a change is a function
      store.update(1, { epoch: 2 }),
      // @ts-expect-error a change returns the manifest
      store.update(1, () => {}),
    ]))

  test("a save gives a receipt, with the next id", () => {
    expectTypeOf<StoreOperations["save"]>().returns.resolves.toEqualTypeOf<SaveReceipt>()
    expectTypeOf<StoreOperations["saveNext"]>().returns.resolves.toEqualTypeOf<SaveReceipt>()
    expectTypeOf<SaveReceipt["nextId"]>().toEqualTypeOf<number>()
    expectTypeOf<SaveReceipt["outcome"]>().toEqualTypeOf<"created" | "existed">()
    expectTypeOf<StoreOperations["nextManifest"]>().returns.resolves.toEqualTypeOf<CheckpointManifest>()
  })
})

describe("a manifest", () => {
  test("needs its id and its epoch; where the store chooses, neither", () => {
    expectTypeOf(createManifest).parameter(0).toEqualTypeOf<ManifestInit>()
    expectTypeOf<{ checkpointId: number; epoch: number }>().toExtend<ManifestInit>()
    expectTypeOf<{ checkpointId: number }>().not.toExtend<ManifestInit>()
    expectTypeOf<{ epoch: number }>().not.toExtend<ManifestInit>()
    expectTypeOf<Record<never, never>>().toExtend<NextManifest>()
    expectTypeOf<NextManifest>().not.toHaveProperty("checkpointId")
    expectTypeOf<NextManifest["epoch"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<CheckpointManifest>().toExtend<ManifestInit>()
  })

  test("offsets are given as text, numbers or bigints, and read as text", () => {
    const given = { orders: { epoch: 1, offsets: { "0": 1042, "1": 7n, "2": "9" } } }
    expectTypeOf(given).toExtend<NonNullable<NextManifest["sourceOffsets"]>>()
    expectTypeOf<CheckpointManifest["sourceOffsets"][string]["offsets"]>().toEqualTypeOf<NamedMap<string>>()
    expectTypeOf<{ orders: { epoch: 1; offsets: { "0": Date } } }>().not.toExtend<NextManifest["sourceOffsets"]>()
  })

  test("labels are text, a watermark is a bigint, and a sink has one of three statuses", () => {
    expectTypeOf<CheckpointManifest["labels"]>().toEqualTypeOf<NamedMap<string> | undefined>()
    expectTypeOf<{ labels: { release: number } }>().not.toExtend<NextManifest>()
    expectTypeOf<{ watermark: number }>().not.toExtend<NextManifest>()
    expectTypeOf<CheckpointManifest["watermark"]>().toEqualTypeOf<bigint | null>()
    expectTypeOf<SinkCommitStatus["status"]>().toEqualTypeOf<"pending" | "committed" | "failed">()
    expectTypeOf<Extract<SinkCommitStatus, { status: "failed" }>["message"]>().toEqualTypeOf<string>()
    expectTypeOf<{ status: "failed" }>().not.toExtend<SinkCommitStatus>()
  })

  test("is read-only, and a lookup by name may be absent", () => {
    expectTypeOf<CheckpointManifest>().toEqualTypeOf<Readonly<CheckpointManifest>>()
    typed(() => expectTypeOf(manifest.sourceOffsets["orders"]).toEqualTypeOf<ConnectorOffsets | undefined>())
  })
})
