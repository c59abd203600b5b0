import {
  copyCheckpoint,
  copyStore,
  createCheckpointer,
  createManifest,
  json,
  openCheckpointStore,
} from "../../src/index.js"
import { bytes, chunks, type Mistake, Objects, testMistakes } from "./support.js"

// biome-ignore lint/suspicious/noExplicitAny: every argument here is of a wrong type
type Any = any

const on =
  (run: (store: Any) => unknown) =>
  ({ store }: { store: unknown }) =>
    run(store)
const signal = () => new AbortController().signal

const opening: readonly Mistake[] = [
  ["open()", on((s) => s.open()), "CKPT_INVALID", "undefined names no checkpoint", '{ pin: "name" }'],
  ["open('1')", on((s) => s.open("1")), "CKPT_INVALID", 'the string "1"', "an id"],
  ["open(0.5)", on((s) => s.open(0.5)), "CKPT_INVALID", "0.5", "a whole number"],
  ["open({ name })", on((s) => s.open({ name: "a" })), "CKPT_INVALID", "no option name", "pin"],
  ["open({ pin: 1 })", on((s) => s.open({ pin: 1 })), "CKPT_INVALID", "pin is the number 1", "a string"],
  ["open({ pin: 'a b' })", on((s) => s.open({ pin: "a b" })), "CKPT_INVALID", 'pin name "a b"'],
  ["open(1, { deep: true })", on((s) => s.open(1, { deep: true })), "CKPT_INVALID", "no option deep"],
  ["open(1, { depth: 'full' })", on((s) => s.open(1, { depth: "full" })), "CKPT_INVALID", '"shallow" or "deep"'],
  ["open(1, signal)", on((s) => s.open(1, signal())), "CKPT_INVALID", "an AbortSignal", "{ signal }"],
  ["open(9)", on((s) => s.open(9)), "CKPT_NOT_FOUND", "checkpoint 9", "The ids are 1 and 2"],
  ["open({ pin }) without pins", on((s) => s.open({ pin: "a" })), "CKPT_NOT_FOUND", "No checkpoint is pinned"],
  ["json('wnidow')", on(async (s) => (await s.open(2)).json("wnidow")), "CKPT_NOT_FOUND", "mean window?"],
  ["json() of operators", on(async (s) => (await s.open(2)).json()), "CKPT_NOT_FOUND", '"counts" and "window"'],
  ["json() of bytes", on(async (s) => (await s.open(1)).json()), "CKPT_INVALID", "no JSON", "json(value)"],
]

const saving: readonly Mistake[] = [
  ["saveNext(manifest)", on((s) => s.saveNext(createManifest({ checkpointId: 3, epoch: 3 }))), "CKPT_INVALID", "save("],
  ["saveNext(null)", on((s) => s.saveNext(null)), "CKPT_INVALID", "the fields are null"],
  ["saveNext(bytes)", on((s) => s.saveNext(bytes("x"))), "CKPT_INVALID", "a Uint8Array"],
  [
    "saveNext({ state })",
    on((s) => s.saveNext({ state: bytes("x") })),
    "CKPT_INVALID",
    "state: is not a field",
    "saveNext({}, { state })",
  ],
  ["saveNext({ sourceOffset })", on((s) => s.saveNext({ sourceOffset: {} })), "CKPT_INVALID", "mean sourceOffsets?"],
  ["saveNext({ epoch: '7' })", on((s) => s.saveNext({ epoch: "7" })), "CKPT_INVALID", "epoch", '"7"'],
  ["saveNext({ labels: [] })", on((s) => s.saveNext({ labels: ["a"] })), "CKPT_INVALID", "labels: must be a plain"],
  ["saveNext({}, { stat })", on((s) => s.saveNext({}, { stat: bytes("x") })), "CKPT_INVALID", "mean state?"],
  ["saveNext({}, text)", on((s) => s.saveNext({}, "x")), "CKPT_INVALID", 'the string "x"'],
  [
    "saveNext({}, { state: undefined })",
    on((s) => s.saveNext({}, { state: undefined })),
    "CKPT_INVALID",
    "leave it out",
  ],
  ["saveNext({}, { state: value })", on((s) => s.saveNext({}, { state: { a: 1 } })), "CKPT_INVALID", "json("],
  ["nextManifest({ id })", on((s) => s.nextManifest({ id: 3 })), "CKPT_INVALID", "id: is not a field"],
  [
    "nextManifest({}, { state })",
    on((s) => s.nextManifest({}, { state: bytes("x") })),
    "CKPT_INVALID",
    "no option state",
  ],
  ["commitSink(1)", on((s) => s.commitSink(1)), "CKPT_INVALID", "the sink is undefined", "its name"],
  ["commitSink('windows', 1)", on((s) => s.commitSink("windows", 1)), "CKPT_INVALID", 'the string "windows"'],
  ["commitSink(1, 'windows')", on((s) => s.commitSink(1, "windows")), "CKPT_NOT_FOUND", 'no sink "windows"'],
  ["commitSink(9, 'windows')", on((s) => s.commitSink(9, "windows")), "CKPT_NOT_FOUND", "checkpoint 9"],
  ["commitSink(1, 'w', { epoch })", on((s) => s.commitSink(1, "w", { epoch: 1 })), "CKPT_INVALID", "no option epoch"],
  ["json(a Map)", () => json(new Map([["a", 1]])), "CKPT_INVALID", "a Map", "Object.fromEntries"],
  ["json(undefined)", () => json(undefined), "CKPT_INVALID", "undefined"],
  [
    "claim: 1",
    ({ backend }) => openCheckpointStore({ backend, claim: 1 as never }),
    "CKPT_INVALID",
    "claim is the number 1",
  ],
]

const target = () => openCheckpointStore({ backend: new Objects() })
const copying: readonly Mistake[] = [
  ["copyCheckpoint(from)", on((s) => copyCheckpoint(s, undefined as Any, 1)), "CKPT_INVALID", "to is undefined"],
  [
    "copyCheckpoint of a backend",
    async ({ backend }) => copyCheckpoint(backend as Any, await target(), 1),
    "CKPT_INVALID",
    "from is",
  ],
  [
    "copyCheckpoint of a promise",
    on(async (s) => copyCheckpoint(s, target() as Any, 1)),
    "CKPT_INVALID",
    "to is a Promise",
  ],
  ["copyCheckpoint(s, s, 1)", on((s) => copyCheckpoint(s, s, 1)), "CKPT_INVALID", "the same store"],
  [
    "copyCheckpoint(s, t, '1')",
    on(async (s) => copyCheckpoint(s, await target(), "1" as Any)),
    "CKPT_INVALID",
    'the string "1"',
  ],
  ["copyCheckpoint(s, t, 9)", on(async (s) => copyCheckpoint(s, await target(), 9)), "CKPT_NOT_FOUND", "checkpoint 9"],
  [
    "copyCheckpoint(…, { force })",
    on(async (s) => copyCheckpoint(s, await target(), 1, { force: true } as Any)),
    "CKPT_INVALID",
    "no option force",
  ],
  ["copyStore(s, t, [1])", on(async (s) => copyStore(s, await target(), [1] as Any)), "CKPT_INVALID", "an array"],
  [
    "copyStore(…, { id })",
    on(async (s) => copyStore(s, await target(), { id: 1 } as Any)),
    "CKPT_INVALID",
    "mean ids?",
  ],
  [
    "copyStore(…, { ids: 1 })",
    on(async (s) => copyStore(s, await target(), { ids: 1 } as Any)),
    "CKPT_INVALID",
    "an array of ids",
  ],
  [
    "copyStore(…, { ids: [0] })",
    on(async (s) => copyStore(s, await target(), { ids: [0] })),
    "CKPT_INVALID",
    "an array of ids",
  ],
  [
    "copyStore(…, { ids: [9] })",
    on(async (s) => copyStore(s, await target(), { ids: [9] })),
    "CKPT_NOT_FOUND",
    "checkpoint 9",
  ],
  [
    "copyStore(…, { pins: [] })",
    on(async (s) => copyStore(s, await target(), { pins: [] } as Any)),
    "CKPT_INVALID",
    'true, false or "move"',
  ],
  [
    "copyStore(…, { follow: true })",
    on(async (s) => copyStore(s, await target(), { follow: true } as Any)),
    "CKPT_INVALID",
    "everyMs",
  ],
  [
    "copyStore(…, { follow: {} })",
    on(async (s) => copyStore(s, await target(), { follow: {} } as Any)),
    "CKPT_INVALID",
    "no everyMs",
  ],
  [
    "copyStore(…, { follow, ids })",
    on(async (s) => copyStore(s, await target(), { ids: [1], follow: { everyMs: 1 } })),
    "CKPT_INVALID",
    "ids and follow",
  ],
  [
    "copyStore(…, { depth: 'full' })",
    on(async (s) => copyStore(s, await target(), { depth: "full" } as Any)),
    "CKPT_INVALID",
    '"shallow" or "deep"',
  ],
  [
    "copyStore(…, { replaceDamage })",
    on(async (s) => copyStore(s, await target(), { replaceDamage: true } as Any)),
    "CKPT_INVALID",
    "mean replaceDamaged?",
  ],
  [
    "copyCheckpoint(…, { replaceDamaged: 1 })",
    on(async (s) => copyCheckpoint(s, await target(), 1, { replaceDamaged: 1 } as Any)),
    "CKPT_INVALID",
    "copyCheckpoint: replaceDamaged is the number 1",
  ],
  [
    "copyStore(…, { concurrency: 0 })",
    on(async (s) => copyStore(s, await target(), { concurrency: 0 })),
    "CKPT_INVALID",
    "from 1 to 64",
  ],
  [
    "copyStore(…, { onSkipped: true })",
    on(async (s) => copyStore(s, await target(), { onSkipped: true } as Any)),
    "CKPT_INVALID",
    "a function",
  ],
  [
    "copyStore into a read-only store",
    on(async (s) => copyStore(s, await openCheckpointStore({ backend: new Objects(), readOnly: true }))),
    "CKPT_READ_ONLY",
    "copyStore would write",
    "readOnly",
  ],
]

const snapshot = () => ({ state: json(1) })
const ticked = (options: object) =>
  on((s) => createCheckpointer(s, { everyRecords: 1, snapshot, ...options } as Any).tick())
const looping: readonly Mistake[] = [
  [
    "createCheckpointer(options)",
    () => createCheckpointer({ everyMs: 1, snapshot } as Any, undefined as Any),
    "CKPT_INVALID",
    "the store is a plain object",
  ],
  [
    "createCheckpointer(store)",
    on((s) => createCheckpointer(s, undefined as Any)),
    "CKPT_INVALID",
    "give { snapshot }",
  ],
  [
    "snapshot: a value",
    on((s) => createCheckpointer(s, { everyMs: 1, snapshot: {} as Any })),
    "CKPT_INVALID",
    "snapshot is a plain object",
    "a function",
  ],
  ["neither everyMs nor everyRecords", on((s) => createCheckpointer(s, { snapshot })), "CKPT_INVALID", "at least one"],
  [
    "interval",
    on((s) => createCheckpointer(s, { interval: 1, snapshot } as Any)),
    "CKPT_INVALID",
    "no option interval",
  ],
  [
    "everyMs: '1s'",
    on((s) => createCheckpointer(s, { everyMs: "1s", snapshot } as Any)),
    "CKPT_INVALID",
    'the string "1s"',
    "milliseconds",
  ],
  [
    "everyRecords: 0",
    on((s) => createCheckpointer(s, { everyRecords: 0, snapshot })),
    "CKPT_INVALID",
    "everyRecords is the number 0",
  ],
  [
    "signal: controller",
    on((s) => createCheckpointer(s, { everyMs: 1, snapshot, signal: new AbortController() as Any })),
    "CKPT_INVALID",
    "controller.signal",
  ],
  [
    "onEvent: true",
    on((s) => createCheckpointer(s, { everyMs: 1, snapshot, onEvent: true as Any })),
    "CKPT_INVALID",
    "onEvent is true",
  ],
  [
    "a snapshot that is a stream",
    ticked({ snapshot: () => ({ state: chunks("x") }) }),
    "CKPT_INVALID",
    "can be read once",
    "a function",
  ],
  ["a snapshot that returns nothing", ticked({ snapshot: () => {} }), "CKPT_INVALID", "it gave undefined"],
  [
    "a snapshot with offsets beside the manifest",
    ticked({ snapshot: () => ({ sourceOffsets: {} }) }),
    "CKPT_INVALID",
    "{ manifest: { sourceOffsets }",
  ],
]

testMistakes([...opening, ...saving, ...copying, ...looping])
