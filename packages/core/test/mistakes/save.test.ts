import { Readable } from "node:stream"
import { createManifest } from "../../src/index.js"
import { bytes, chunks, type Mistake, manifest, testMistakes } from "./support.js"

const save =
  (options: unknown, ...given: [unknown?]) =>
  ({ store }: { store: { save(m: never, o: never): unknown } }) =>
    store.save((given.length === 0 ? manifest(3) : given[0]) as never, options as never)
const state = (source: unknown) => save({ state: source })
const operator = (source: unknown) => save({ operators: { window: source } })

const arguments_: readonly Mistake[] = [
  ["save(m, bytes)", save(bytes("s")), "CKPT_INVALID", "save:", "a Uint8Array", "{ state: bytes }"],
  ["save(m, buffer)", save(Buffer.from("s")), "CKPT_INVALID", "the options are", "{ state: bytes }"],
  ["save(m, array)", save([bytes("s")]), "CKPT_INVALID", "an array", "{ state: bytes }"],
  ["save(m, text)", save("state"), "CKPT_INVALID", 'the string "state"'],
  ["save(m, stream)", save(Readable.from([bytes("s")])), "CKPT_INVALID", "a Readable", "{ state: bytes }"],
  ["save(m, generator)", save(chunks("s")), "CKPT_INVALID", "an AsyncGenerator"],
  ["save(m, Map)", save(new Map([["window", bytes("s")]])), "CKPT_INVALID", "a Map"],
  ["save(m, blob)", save(new Blob(["s"])), "CKPT_INVALID", "a Blob"],
  ["save(m, null)", save(null), "CKPT_INVALID", "the options are null"],
  ["save(m, () => bytes)", save(() => bytes("s")), "CKPT_INVALID", "a function"],
  ["save(m, signal)", save(new AbortController().signal), "CKPT_INVALID", "an AbortSignal"],
  [
    "save(m, { operator })",
    save({ operator: { window: bytes("s") } }),
    "CKPT_INVALID",
    "no option operator.",
    "mean operators?",
  ],
  ["save(m, { states })", save({ states: bytes("s") }), "CKPT_INVALID", "no option states.", "mean state?"],
  ["save(m, { State })", save({ State: bytes("s") }), "CKPT_INVALID", "mean state?"],
  ["save(m, { data })", save({ data: bytes("s") }), "CKPT_INVALID", "no option data", "state", "operators"],
  ["save(m, { state: undefined })", state(undefined), "CKPT_INVALID", "state is undefined", "leave it out"],
  ["save(m, { operators: undefined })", save({ operators: undefined }), "CKPT_INVALID", "operators is undefined"],
  ["save(m, { operators: new Map() })", save({ operators: new Map() }), "CKPT_INVALID", "operators is empty"],
  ["save(m, { operators: {} })", save({ operators: {} }), "CKPT_INVALID", "operators is empty"],
  [
    "a Map of operators with a number as name",
    save({ operators: new Map([[1, bytes("s")]]) }),
    "CKPT_INVALID",
    "the number 1",
  ],
  ["operators: an array", save({ operators: [bytes("s")] }), "CKPT_INVALID", "operators is an array", "by name"],
  ["operators: bytes", save({ operators: bytes("s") }), "CKPT_INVALID", "operators is a Uint8Array"],
  ["operators: a stream", save({ operators: chunks("s") }), "CKPT_INVALID", "operators is an AsyncGenerator"],
  ["operators: text", save({ operators: "window" }), "CKPT_INVALID", 'operators is the string "window"'],
  ["operators: null", save({ operators: null }), "CKPT_INVALID", "operators is null"],
  ["state and operators", save({ state: bytes("s"), operators: { a: bytes("s") } }), "CKPT_INVALID", "not both"],
  [
    "inlineThreshold: text",
    save({ inlineThreshold: "10" }),
    "CKPT_INVALID",
    'inlineThreshold is the string "10"',
    "a number of bytes",
  ],
  ["inlineThreshold: -1", save({ inlineThreshold: -1 }), "CKPT_INVALID", "the number -1"],
  ["onProgress: true", save({ onProgress: true }), "CKPT_INVALID", "onProgress is true", "a function"],
  [
    "signal: a controller",
    save({ signal: new AbortController() }),
    "CKPT_INVALID",
    "signal is an AbortController",
    "controller.signal",
  ],
  ["signal: true", save({ signal: true }), "CKPT_INVALID", "signal is true", "an AbortSignal"],
  ["sginal", save({ sginal: new AbortController().signal }), "CKPT_INVALID", "mean signal?"],
]

function* sync() {
  yield bytes("s")
}
class State {}
const transferred = () => {
  const view = bytes("s")
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

const sources: readonly Mistake[] = [
  ["state: text", state("text"), "CKPT_INVALID", 'state is the string "text"', "new TextEncoder().encode(text)"],
  ["state: a number", state(7), "CKPT_INVALID", "state is the number 7", "a ReadableStream"],
  ["state: null", state(null), "CKPT_INVALID", "state is null"],
  ["state: true", state(true), "CKPT_INVALID", "state is true"],
  ["state: an object", state({ count: 1 }), "CKPT_INVALID", "a plain object", "give bytes, such as json(value)"],
  ["state: an instance", state(new State()), "CKPT_INVALID", "state is a State"],
  ["state: a class", state(State), "CKPT_INVALID", "the class State"],
  ["state: a sync generator", state(sync()), "CKPT_INVALID", "state is a Generator", "async function*"],
  ["state: a Set", state(new Set([bytes("s")])), "CKPT_INVALID", "a Set", "async function*"],
  ["state: a promise", state(Promise.resolve(bytes("s"))), "CKPT_INVALID", "a Promise", "await it"],
  ["state: an array of text", state(["a"]), "CKPT_INVALID", "chunk", 'the string "a"', "TextEncoder"],
  ["state: an array of numbers", state([1, 2]), "CKPT_INVALID", "chunk", "the number 1"],
  ["state: a hole in an array", state([undefined]), "CKPT_INVALID", "chunk", "undefined"],
  ["state: memory that was transferred", state(transferred()), "CKPT_INVALID", "transferred"],
  ["state: a function of text", state(() => "text"), "CKPT_INVALID", "the function", 'the string "text"'],
  ["state: a function of nothing", state(() => {}), "CKPT_INVALID", "the function", "undefined"],
  ["state: a function of a function", state(() => () => bytes("s")), "CKPT_INVALID", "gave a function"],
  ["state: an iterable of text", state(Readable.from(["text"])), "CKPT_INVALID", "chunk", "TextEncoder"],
  [
    "an operator of text",
    operator("text"),
    "CKPT_INVALID",
    'operators["window"] is the string "text"',
    "new TextEncoder().encode(text)",
  ],
  ["an operator of nothing", operator(undefined), "CKPT_INVALID", 'operators["window"] is undefined'],
  ["an operator of null", operator(null), "CKPT_INVALID", 'operators["window"] is null'],
  ["an operator of an object", operator({ a: 1 }), "CKPT_INVALID", 'operators["window"]', "a plain object"],
  ["an operator of a promise", operator(Promise.resolve(bytes("s"))), "CKPT_INVALID", "await it"],
  [
    "an operator of a sync generator",
    operator(sync()),
    "CKPT_INVALID",
    'operators["window"] is a Generator',
    "async function*",
  ],
  ["an operator of an array of text", operator(["a"]), "CKPT_INVALID", "chunk"],
  [
    "one of many operators of text",
    save({ operators: { a: bytes("s"), b: "text" } }),
    "CKPT_INVALID",
    'operators["b"]',
  ],
  [
    "writeState: text",
    ({ store }) => store.writeState(3, "text" as never),
    "CKPT_INVALID",
    "writeState",
    'the string "text"',
  ],
  ["writeState: nothing", ({ store }) => store.writeState(3, undefined as never), "CKPT_INVALID", "undefined"],
  [
    "writeState(id, source, { state })",
    ({ store }) => store.writeState(3, bytes("s"), { state: 1 } as never),
    "CKPT_INVALID",
    "no option state",
  ],
]

const plainObject = { checkpointId: 3, epoch: 3 }
const manifests: readonly Mistake[] = [
  ["save(): no manifest", save({}, undefined), "CKPT_INVALID", "manifest", "undefined", "createManifest"],
  ["save(null)", save({}, null), "CKPT_INVALID", "null", "createManifest"],
  ["save(bytes)", save({}, bytes("s")), "CKPT_INVALID", "a Uint8Array", "createManifest"],
  ["save(7)", save({}, 7), "CKPT_INVALID", "the number 7", "createManifest"],
  ["save(promise of a manifest)", save({}, Promise.resolve(manifest(3))), "CKPT_INVALID", "a Promise", "await it"],
  ["save(a plain object)", save({}, plainObject), "CKPT_INVALID", "version", "Make the manifest with createManifest()"],
  ["save({})", save({}, {}), "CKPT_INVALID", "createManifest()"],
  [
    "save(without watermarks)",
    save({}, { ...manifest(3), sourceWatermarks: undefined }),
    "CKPT_INVALID",
    "sourceWatermarks: is missing",
  ],
  ["save(as stored)", save({}, { checkpoint_id: 3 }), "CKPT_INVALID", "checkpoint_id", "mean checkpointId?"],
  [
    "save(misspelt)",
    save({}, { ...manifest(3), sourceOfsets: {} }),
    "CKPT_INVALID",
    "sourceOfsets",
    "mean sourceOffsets?",
  ],
  [
    "createManifest(): nothing",
    () => createManifest(undefined as never),
    "CKPT_INVALID",
    "undefined",
    "createManifest({ checkpointId",
  ],
  ["createManifest({ id })", () => createManifest({ id: 1, epoch: 1 } as never), "CKPT_INVALID", "id: is not a field"],
  [
    "createManifest({ checkpointID })",
    () => createManifest({ checkpointID: 1, epoch: 1 } as never),
    "CKPT_INVALID",
    "mean checkpointId?",
  ],
  [
    "createManifest({ watermarks })",
    () => createManifest({ ...plainObject, watermarks: 1n } as never),
    "CKPT_INVALID",
    "mean watermark?",
  ],
  [
    "createManifest without an id",
    () => createManifest({ epoch: 1 } as never),
    "CKPT_INVALID",
    "checkpointId",
    "undefined",
  ],
  [
    "createManifest with text as id",
    () => createManifest({ checkpointId: "3", epoch: 1 } as never),
    "CKPT_INVALID",
    'the string "3"',
  ],
  ["createManifest with id 0", () => createManifest({ checkpointId: 0, epoch: 1 }), "CKPT_INVALID", "the number 0"],
  [
    "createManifest with a number as watermark",
    () => createManifest({ ...plainObject, watermark: 5 } as never),
    "CKPT_INVALID",
    "use 5n",
  ],
  [
    "createManifest with a Map",
    () => createManifest({ ...plainObject, sourceOffsets: new Map() } as never),
    "CKPT_INVALID",
    "a Map",
  ],
]

testMistakes([...arguments_, ...sources, ...manifests])
