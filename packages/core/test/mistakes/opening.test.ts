import { openCheckpointStore } from "../../src/index.js"
import { type Mistake, Objects, testMistakes } from "./support.js"

const open = (options: object) => () => openCheckpointStore({ backend: new Objects(), ...options } as never)
const withBackend = (backend: unknown) => open({ backend })
const lacking = (name: string) => Object.assign(new Objects(), { [name]: undefined })

const storages: readonly Mistake[] = [
  [
    "openCheckpointStore()",
    () => openCheckpointStore(undefined as never),
    "CKPT_INVALID",
    "backend is missing",
    "{ backend }",
  ],
  ["openCheckpointStore(null)", () => openCheckpointStore(null as never), "CKPT_INVALID", "null", "{ backend }"],
  ["openCheckpointStore({})", () => openCheckpointStore({} as never), "CKPT_INVALID", "backend is missing"],
  ["openCheckpointStore(path)", () => openCheckpointStore("data" as never), "CKPT_INVALID", 'the string "data"'],
  ["openCheckpointStore(backend)", () => openCheckpointStore(new Objects() as never), "CKPT_INVALID", "no option"],
  ["backend: {}", withBackend({}), "CKPT_INVALID", "backend is a plain object", "lacks name"],
  ["backend: null", withBackend(null), "CKPT_INVALID", "backend is null"],
  ["backend: a path", withBackend("data"), "CKPT_INVALID", 'backend is the string "data"'],
  ["backend: the class", withBackend(Objects), "CKPT_INVALID", "the class Objects", "new Objects(…)"],
  ["backend: a promise", withBackend(Promise.resolve(new Objects())), "CKPT_INVALID", "a Promise", "await it"],
  [
    "backend: a store",
    async ({ store }) => openCheckpointStore({ backend: store as never }),
    "CKPT_INVALID",
    "this is a store",
  ],
  ["backend without put", withBackend(lacking("put")), "CKPT_INVALID", "lacks put()"],
  ["backend without list", withBackend(lacking("list")), "CKPT_INVALID", "lacks list()"],
  ["backend without capabilities", withBackend(lacking("capabilities")), "CKPT_INVALID", "capabilities.compareAndSwap"],
  [
    "backend with a batch of 0",
    withBackend(Object.assign(new Objects(), { capabilities: { compareAndSwap: "storage", maxDeleteBatch: 0 } })),
    "CKPT_INVALID",
    "maxDeleteBatch",
  ],
  ["bakcend", () => openCheckpointStore({ bakcend: new Objects() } as never), "CKPT_INVALID", "mean backend?"],
  ["ownsBackend: 1", open({ ownsBackend: 1 }), "CKPT_INVALID", "ownsBackend is the number 1", "true or false"],
]

const options: readonly Mistake[] = [
  ["readonly", open({ readonly: true }), "CKPT_INVALID", "no option readonly", "mean readOnly?"],
  ["readOnly: 'yes'", open({ readOnly: "yes" }), "CKPT_INVALID", 'readOnly is the string "yes"'],
  ["retian", open({ retian: { last: 3 } }), "CKPT_INVALID", "mean retain?"],
  ["prefx", open({ prefx: "a/" }), "CKPT_INVALID", "mean prefix?"],
  ["prefix: 7", open({ prefix: 7 }), "CKPT_INVALID", "prefix is the number 7", "a string"],
  ["prefix: '../x'", open({ prefix: "../x" }), "CKPT_INVALID", "prefix"],
  [
    "layout: 'flat'",
    open({ layout: "flat" }),
    "CKPT_INVALID",
    'layout is the string "flat"',
    '"directory" or "objects"',
  ],
  ["retain: 3", open({ retain: 3 }), "CKPT_INVALID", "retain is the number 3", "{ last: 3 }"],
  ["retain: {}", open({ retain: {} }), "CKPT_INVALID", "the policy is empty"],
  ["retain: { last: '3' }", open({ retain: { last: "3" } }), "CKPT_INVALID", 'retain.last is the string "3"'],
  [
    "retain: { last: 3, evry: 2 }",
    open({ retain: { last: 3, evry: 2 } }),
    "CKPT_INVALID",
    "retain.evry",
    "mean retain.every?",
  ],
  ["retain: { last: 3, dryRun: true }", open({ retain: { last: 3, dryRun: true } }), "CKPT_INVALID", "retain.dryRun"],
  ["retain: [3]", open({ retain: [3] }), "CKPT_INVALID", "retain is an array"],
  ["retry: { retries: 3 }", open({ retry: { retries: 3 } }), "CKPT_INVALID", "retry.retries", "attempts"],
  ["retry: 3", open({ retry: 3 }), "CKPT_INVALID", "retry is the number 3"],
  ["retry: { attempts: '3' }", open({ retry: { attempts: "3" } }), "CKPT_INVALID", 'retry.attempts is the string "3"'],
  ["retry: { attempts: 0 }", open({ retry: { attempts: 0 } }), "CKPT_INVALID", "retry.attempts is the number 0"],
  ["retry: { minDelay: 1 }", open({ retry: { minDelay: 1 } }), "CKPT_INVALID", "mean retry.minDelayMs?"],
  [
    "retry: { minDelayMs: -1 }",
    open({ retry: { minDelayMs: -1 } }),
    "CKPT_INVALID",
    "retry.minDelayMs is the number -1",
  ],
  ["retry: { timeoutMs: 1 }", open({ retry: { timeoutMs: 1 } }), "CKPT_INVALID", "beside retry"],
  ["timeout: 1", open({ timeout: 1 }), "CKPT_INVALID", "mean timeoutMs?"],
  ["timeoutMs: '30s'", open({ timeoutMs: "30s" }), "CKPT_INVALID", 'timeoutMs is the string "30s"'],
  ["timeoutMs: 0", open({ timeoutMs: 0 }), "CKPT_INVALID", "timeoutMs is the number 0", "Infinity"],
  ["onEvent: true", open({ onEvent: true }), "CKPT_INVALID", "onEvent is true", "a function"],
  ["onEvents", open({ onEvents: () => {} }), "CKPT_INVALID", "mean onEvent?"],
  ["expect: { vnodecount }", open({ expect: { vnodecount: 1 } }), "CKPT_INVALID", "mean expect.vnodeCount?"],
  [
    "expect: { vnodeCount: 0 }",
    open({ expect: { vnodeCount: 0 } }),
    "CKPT_INVALID",
    "expect.vnodeCount is the number 0",
  ],
  ["vnodeCount: 256", open({ vnodeCount: 256 }), "CKPT_INVALID", "no option vnodeCount"],
  ["clock: Date", open({ clock: Date }), "CKPT_INVALID", "clock is a function", "monotonic()"],
  ["random: 0.5", open({ random: 0.5 }), "CKPT_INVALID", "random is the number 0.5"],
  ["signal", open({ signal: new AbortController().signal }), "CKPT_INVALID", "beside claim: true"],
  ["signal: new AbortController()", open({ claim: true, signal: new AbortController() }), "CKPT_INVALID", "signal is"],
]

testMistakes([...storages, ...options])
