// What the compiler knows of reading, retention, copies and events. `npm test -- typecheck` checks it; nothing is called at run time.
import { describe, expectTypeOf, test } from "vitest"
import {
  acceptCommitted,
  type Checkpoint,
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointerEvent,
  type CheckpointerStore,
  type CheckpointList,
  type CheckpointStore,
  type CheckpointSummary,
  type CopyProgress,
  type CopyReport,
  type CopySkipped,
  copyCheckpoint,
  copyStore,
  createCheckpointer,
  type ExhaustedReason,
  type LeaderStore,
  type NamedMap,
  type RecoverOptions,
  type Recovery,
  type Restored,
  type RetentionPolicy,
  type SavedSnapshot,
  type SaveReceipt,
  type Snapshot,
  type StateReader,
  type StoreEvent,
  type StoreOperations,
} from "../../src/index.js"
import { typed } from "./typed.js"

declare const store: CheckpointStore
declare const checkpoint: Checkpoint

/** Bytes in memory of their own: `buffer` is no SharedArrayBuffer, so a typed array can be laid over it. */
type OwnBytes = Uint8Array<ArrayBuffer>

describe("reading a checkpoint", () => {
  test("bytes are a Uint8Array over an ArrayBuffer", () => {
    expectTypeOf<Checkpoint["operator"]>().returns.resolves.toEqualTypeOf<OwnBytes>()
    expectTypeOf<StateReader["bytes"]>().returns.resolves.toEqualTypeOf<OwnBytes>()
    typed(async () => new Float64Array((await checkpoint.operator("window")).buffer))
    typed(async () => new Blob([await checkpoint.operator("window")]))
  })

  test("a state may be absent, an operator may not", () => {
    expectTypeOf<Checkpoint["state"]>().returns.resolves.toEqualTypeOf<StateReader | undefined>()
    expectTypeOf<Checkpoint["operatorStream"]>().returns.resolves.toEqualTypeOf<StateReader>()
    expectTypeOf<StateReader>().toExtend<AsyncIterable<Uint8Array>>()
    expectTypeOf<Checkpoint["operators"]>().toEqualTypeOf<readonly string[]>()
  })

  test("JSON has the type that is asked for, and unknown if none is", () => {
    typed(() => {
      expectTypeOf(checkpoint.json()).resolves.toBeUnknown()
      expectTypeOf(checkpoint.json("window")).resolves.toBeUnknown()
      expectTypeOf(checkpoint.json<{ count: number }>("window")).resolves.toEqualTypeOf<{ count: number }>()
    })
    typed(() => [
      // @ts-expect-error a name is text
      checkpoint.json(7),
    ])
  })

  test("a checkpoint is chosen by its id or by a pin", () =>
    typed(() => [
      store.open(7),
      store.open({ pin: "before-upgrade" }, { depth: "deep" }),
      // @ts-expect-error a name goes into { pin }
      store.open("before-upgrade"),
      // @ts-expect-error pin
      store.open({ pni: "before-upgrade" }),
      // @ts-expect-error one of two depths
      store.open(7, { depth: "full" }),
    ]))
})

describe("recovering", () => {
  test("the outcome decides whether there is a checkpoint, and a reason", () => {
    expectTypeOf<Recovery["outcome"]>().toEqualTypeOf<"recovered" | "fresh" | "exhausted">()
    type Of<O> = Extract<Recovery, { outcome: O }>
    expectTypeOf<Of<"recovered">["checkpoint"]>().toEqualTypeOf<Checkpoint>()
    expectTypeOf<Of<"fresh">["checkpoint"]>().toEqualTypeOf<undefined>()
    expectTypeOf<Of<"exhausted">["reason"]>().toEqualTypeOf<ExhaustedReason>()
    expectTypeOf<Of<"fresh">>().not.toHaveProperty("reason")
    expectTypeOf<Recovery["nextId"]>().toEqualTypeOf<number>()
  })

  test("restore hands on what visit resolves with", () => {
    typed(() => {
      const restored = store.restore(async ({ id }) => ({ from: id }))
      expectTypeOf(restored).resolves.toEqualTypeOf<Restored<{ from: number }>>()
    })
    expectTypeOf<Restored<string>["value"]>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Extract<Restored<string>, { outcome: "recovered" }>["value"]>().toEqualTypeOf<string>()
  })

  test("accept answers true or false, also by a promise", () => {
    expectTypeOf(acceptCommitted).toExtend<NonNullable<RecoverOptions["accept"]>>()
    typed(() => [
      store.recover({ accept: async () => false }),
      // @ts-expect-error nothing is returned
      store.recover({ accept: () => {} }),
      // @ts-expect-error nothing is promised
      store.recover({ accept: async () => {} }),
      // @ts-expect-error a function
      store.recover({ accept: true }),
      // @ts-expect-error signal
      store.recover({ sginal: AbortSignal.abort() }),
      // @ts-expect-error one of two depths
      store.recover({ depth: "full" }),
    ])
  })
})

describe("lists and retention", () => {
  test("a list is iterated, or read at once", () => {
    expectTypeOf<StoreOperations["list"]>().returns.toEqualTypeOf<CheckpointList>()
    expectTypeOf<CheckpointList>().toExtend<AsyncIterable<CheckpointSummary>>()
    expectTypeOf<CheckpointList["toArray"]>().returns.resolves.toEqualTypeOf<CheckpointSummary[]>()
    expectTypeOf<CheckpointSummary["labels"]>().toEqualTypeOf<NamedMap<string> | undefined>()
    expectTypeOf<CheckpointSummary["operators"]>().toEqualTypeOf<NamedMap<number> | undefined>()
    expectTypeOf<CheckpointSummary["pins"]>().toEqualTypeOf<readonly string[] | undefined>()
  })

  test("dryRun is an option of its own, and no rule", () =>
    typed(() => [
      store.prune({ last: 1 }, { dryRun: true }),
      // @ts-expect-error it would really delete
      store.prune({ last: 1, dryRun: true }),
      // @ts-expect-error dryRun
      store.prune({ last: 1 }, { dryrun: true }),
      // @ts-expect-error a number
      store.prune({ last: "3" }),
      // @ts-expect-error keepIf answers at once
      store.prune({ keepIf: async () => false }),
      // @ts-expect-error olderThanMs
      store.collectOrphans({ olderThan: 0 }),
    ]))

  test("keepIf gets what list shows", () => {
    expectTypeOf<NonNullable<RetentionPolicy["keepIf"]>>().toEqualTypeOf<(summary: CheckpointSummary) => boolean>()
  })
})

describe("jobs and copies", () => {
  test("a checkpointer takes any store, and its events differ by type", () => {
    expectTypeOf<CheckpointStore>().toExtend<CheckpointerStore>()
    expectTypeOf<LeaderStore>().toExtend<CheckpointerStore>()
    expectTypeOf<CheckpointerEvent["type"]>().toEqualTypeOf<"retry" | "failed">()
    expectTypeOf<SavedSnapshot["receipt"]>().toEqualTypeOf<SaveReceipt>()
    expectTypeOf<{ manifest: { labels: { by: string } }; state: Uint8Array }>().toExtend<Snapshot>()
    const snapshot = () => ({})
    typed(() => [
      createCheckpointer(store, { everyMs: 1_000, snapshot }),
      // @ts-expect-error snapshot is missing
      createCheckpointer(store, { everyMs: 1_000 }),
      // @ts-expect-error everyRecords
      createCheckpointer(store, { everyRecord: 5, snapshot }),
      // @ts-expect-error the store chooses the id
      createCheckpointer(store, { everyMs: 1, snapshot: () => ({ manifest: { checkpointId: 7 } }) }),
    ])
  })

  test("a copy goes from any store to any store", () => {
    expectTypeOf(copyCheckpoint).parameters.toExtend<[StoreOperations, StoreOperations, number, ...unknown[]]>()
    expectTypeOf(copyStore).returns.resolves.toEqualTypeOf<CopyReport>()
    expectTypeOf<CopyProgress["bytesTotal"]>().toEqualTypeOf<number>()
    expectTypeOf<CopyReport["skipped"][number]>().toEqualTypeOf<CopySkipped>()
    expectTypeOf<CopySkipped["error"]>().toEqualTypeOf<CheckpointError>()
    typed(() => [
      copyStore(store, store, { ids: [1], pins: false, follow: { everyMs: 1_000 } }),
      // @ts-expect-error everyMs
      copyStore(store, store, { follow: true }),
      copyStore(store, store, {
        depth: "deep",
        replaceDamaged: true,
        concurrency: 16,
        onSkipped: ({ pin }) => pin?.length,
      }),
      copyCheckpoint(store, store, 1, { depth: "deep", replaceDamaged: true }),
      // @ts-expect-error several at once
      copyCheckpoint(store, store, 1, { concurrency: 2 }),
      // @ts-expect-error ids
      copyStore(store, store, { id: 1 }),
    ])
  })
})

describe("events and errors", () => {
  test("an event is told by its type", () => {
    type Of<T> = Extract<StoreEvent, { type: T }>
    expectTypeOf<Of<"saved">>().toExtend<{
      id: number
      outcome: "created" | "existed" | "replaced"
      elapsedMs: number
    }>()
    expectTypeOf<Of<"saved">>().not.toHaveProperty("error")
    expectTypeOf<Of<"claimed">["epoch"]>().toEqualTypeOf<number>()
    expectTypeOf<Of<"pruned">["removed"]>().toEqualTypeOf<readonly number[]>()
    expectTypeOf<Of<"retry">["error"]>().toBeUnknown()
    expectTypeOf<Of<"nothing">>().toBeNever()
    // An event that has no case here is an error of the compiler: a listener may switch over all of them.
    const types: Record<StoreEvent["type"], true> = {
      ...{ saved: true, updated: true, claimed: true, pinned: true, unpinned: true, pruned: true, recovered: true },
      ...{ "pointer-superseded": true, "pointer-failed": true, "pointer-unreadable": true, "history-lost": true },
      ...{ "history-repaired": true, "claim-abandoned": true, "claim-unfinished": true, "second-writer": true },
      ...{ "retention-failed": true, "orphan-removed": true, "foreign-key": true, "prefix-in-other-form": true },
      ...{ retry: true, skipped: true, "id-ignored": true, "manifest-warnings": true },
    }
    expectTypeOf(types).toExtend<object>()
  })

  test("an error has one of these codes", () => {
    type Failures = "CONFLICT" | "FENCED" | "UNKNOWN_OUTCOME" | "CORRUPT" | "PRUNED" | "NOT_FOUND" | "INVALID"
    type Refusals = "UNSUPPORTED" | "TIMEOUT" | "READ_ONLY" | "CLOSED" | "DENIED" | "FULL" | "IO"
    expectTypeOf<CheckpointErrorCode>().toEqualTypeOf<`CKPT_${Failures | Refusals}`>()
    expectTypeOf<CheckpointError["code"]>().toEqualTypeOf<CheckpointErrorCode>()
    expectTypeOf<CheckpointError["checkpointId"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<CheckpointError>().toExtend<Error>()
    typed(() => {
      const error: unknown = undefined
      if (error instanceof CheckpointError) expectTypeOf(error.retryable).toEqualTypeOf<boolean>()
      // @ts-expect-error no such code
      return (error as CheckpointError).code === "CKPT_FENCE"
    })
  })
})
