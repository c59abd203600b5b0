// What the compiler knows of openFsStore. `npm test -- typecheck` checks it; nothing is called at run time.
import { expectTypeOf, test } from "vitest"
import { type CheckpointStore, FsBackend, type LeaderStore, type ObjectBackend, openFsStore } from "../src/index.js"

/** Statements for the compiler alone: they are never run, so no folder is touched. */
function typed(_statements: () => unknown): void {}

test("claim: true gives the leader, and any other way a store", () =>
  typed(() => {
    expectTypeOf(openFsStore("./data")).resolves.toEqualTypeOf<CheckpointStore>()
    expectTypeOf(openFsStore("./data", {})).resolves.toEqualTypeOf<CheckpointStore>()
    expectTypeOf(openFsStore("./data", { silentAfterMs: 2_000 })).resolves.toEqualTypeOf<CheckpointStore>()
    expectTypeOf(openFsStore("./data", { claim: true })).resolves.toEqualTypeOf<LeaderStore>()
    expectTypeOf(openFsStore("./data", { claim: true, retain: { last: 3 } })).resolves.toEqualTypeOf<LeaderStore>()
    expectTypeOf(openFsStore("./data", { claim: false })).resolves.toEqualTypeOf<CheckpointStore>()
    expectTypeOf(openFsStore("./data", { claim: undefined })).resolves.toEqualTypeOf<CheckpointStore>()
    const isWriter = Math.random() > 0.5
    expectTypeOf(openFsStore("./data", { claim: isWriter })).resolves.toEqualTypeOf<CheckpointStore | LeaderStore>()
  }))

test("a root is a path or a URL", () =>
  typed(() => [
    openFsStore(new URL("file:///data"), { mustExist: true }),
    // @ts-expect-error a root is missing
    openFsStore(),
    // @ts-expect-error a number
    openFsStore(7),
  ]))

test("what is no option is refused", () =>
  typed(() => [
    // @ts-expect-error readOnly
    openFsStore("./data", { readonly: true }),
    // @ts-expect-error prefix
    openFsStore("./data", { claim: true, prefx: "a" }),
    // @ts-expect-error silentAfterMs
    openFsStore("./data", { claim: { silentAfter: 2_000 } }),
    // @ts-expect-error "warn" or "refuse"
    openFsStore("./data", { secondWriter: "ignore" }),
    // @ts-expect-error the storage is the filesystem
    openFsStore("./data", { backend: new FsBackend("./data") }),
  ]))

test("the backend is one of core's", () => {
  expectTypeOf<FsBackend>().toExtend<ObjectBackend>()
  expectTypeOf(FsBackend).constructorParameters.toExtend<[string | URL, ...unknown[]]>()
})
