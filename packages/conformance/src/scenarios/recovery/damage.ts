import assert from "node:assert/strict"
import { type CheckpointManifest, manifestToJson, type OperatorState, parseManifest } from "@ckpt/core"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import {
  assertRecovers,
  bytes,
  bytesBeforeDamage,
  flipped,
  legacyManifest,
  listAll,
  manifestOf,
  refusal,
  saveAll,
  stateText,
  text,
} from "../support.js"

const raw = (fields: string) => `{"version":1,"checkpoint_id":2,"epoch":2,"timestamp_ms":1${fields}}`

/** Damages of manifest 2, made of the good one, each with the issue that it must give. */
const damages: Readonly<Record<string, [(good: Uint8Array) => Uint8Array | string, string]>> = {
  "is empty": [() => "", "manifest-corrupt"],
  "is cut in half": [(good) => good.subarray(0, good.length / 2), "manifest-corrupt"],
  "lacks its last byte": [(good) => good.subarray(0, -1), "manifest-corrupt"],
  "has one byte more": [(good) => new Uint8Array([...good, 0x7d]), "manifest-corrupt"],
  "is all zeros": [(good) => new Uint8Array(good.length), "manifest-corrupt"],
  "has a byte that is not UTF-8": [(good) => good.with(20, 0xff), "manifest-corrupt"],
  "begins with a byte order mark": [(good) => new Uint8Array([0xef, 0xbb, 0xbf, ...good]), "manifest-corrupt"],
  "is null": [() => "null", "manifest-corrupt"],
  "is an array": [() => "[]", "manifest-corrupt"],
  "is not JSON": [() => "checkpoint!", "manifest-corrupt"],
  "has a NaN": [() => raw(`,"vnode_count":NaN`), "manifest-corrupt"],
  "has a number of 1e999": [() => raw(`,"x":1`).replace(`"epoch":2`, `"epoch":1e999`), "manifest-corrupt"],
  "has an epoch that is text": [() => legacyManifest(2, { epoch: "2" }), "manifest-corrupt"],
  "has a negative epoch": [() => legacyManifest(2, { epoch: -1 }), "manifest-corrupt"],
  "lacks a required field": [() => `{"version":1,"checkpoint_id":2,"epoch":2}`, "manifest-corrupt"],
  "has a key twice": [() => raw(`,"epoch":3`), "manifest-corrupt"],
  "is nested 50,000 deep": [() => raw(`,"x":${"[".repeat(50_000)}${"]".repeat(50_000)}`), "manifest-corrupt"],
  "has a number beyond 2^53": [() => raw("").replace(`"epoch":2`, `"epoch":9007199254740993`), "number-unsafe"],
  "has a newer version": [() => legacyManifest(2, { version: 2 }), "manifest-version"],
  "has another id inside": [() => legacyManifest(3), "id-mismatch"],
  "has id 0 inside": [() => legacyManifest(0, { epoch: 1 }), "id-zero"],
  "has epoch 0": [() => legacyManifest(2, { epoch: 0 }), "epoch-zero"],
  "has a range outside the state": [
    (good) => {
      const outside = { stateB64: null, external: true, externalOffset: 1, externalLength: 25 }
      return manifestToJson({ ...parseManifest(good), operatorStates: { outside } })
    },
    "operator-range",
  ],
  "has a flipped bit": [(good) => flipped(good, text(good).indexOf(`"epoch": 2`) + 9), "manifest-checksum"],
  "has a state_checksum in capitals": [() => legacyManifest(2, { state_checksum: "A".repeat(64) }), "manifest-corrupt"],
  "lost its checksum by a damaged name": [
    (good) => text(good).replace("manifest_checksum", "manifest_checksun").replace(`"epoch": 2`, `"epoch": 3`),
    "manifest-checksum",
  ],
  "has a field of ours and no checksum": [() => legacyManifest(2, { state_size: 25 }), "manifest-checksum"],
  "has another state's checksum": [() => legacyManifest(2, { state_checksum: "0".repeat(64) }), "state-checksum"],
}

async function assertSkipped({ open, keys }: ScenarioContext, code: string): Promise<void> {
  const store = await open()
  const found = await assertRecovers(store, 1)
  assert.deepEqual([found.examined, found.nextId], [2, 3])
  const [skipped] = found.skipped
  assert.deepEqual([skipped?.id, skipped?.key], [2, keys.manifest(2)])
  const fatal = skipped?.issues.filter(({ severity }) => severity === "fatal") ?? []
  assert.ok(
    fatal.some((issue) => issue.code === code),
    JSON.stringify(fatal),
  )
  const verified = await store.verify(2)
  assert.equal(verified.valid, false)
  assert.ok(verified.issues.some((issue) => issue.code === code))
}

const manifestDamage = Object.entries(damages).map(
  ([name, [damage, code]]): Scenario => ({
    name: `damage: a manifest that ${name} is skipped as ${code}`,
    async run(context) {
      const { open, keys, peek, plant } = context
      await saveAll(await open(), 1, 2)
      await plant(keys.manifest(2), damage((await peek(keys.manifest(2))) as Uint8Array))
      await assertSkipped(context, code)
      const store = await open()
      assert.deepEqual(await store.ids(), [1, 2])
      if (code !== "state-checksum") {
        for (const loading of [() => store.load(2), () => store.loadLatest()]) {
          assert.match((await refusal(loading(), "CKPT_CORRUPT", 2)).message, /recover\(\)/)
        }
        const all = await listAll(store)
        assert.deepEqual(
          all.map(({ id, valid }) => [id, valid]),
          [
            [1, true],
            [2, false],
          ],
        )
        assert.ok(all[1]?.issues.some((issue) => issue.code === code))
      }
      await saveAll(store, 3)
      await assertRecovers(await open(), 3)
    },
  }),
)

const stateDamages: Readonly<Record<string, [(good: Uint8Array) => Uint8Array, string]>> = {
  "has a flipped bit": [(good) => flipped(good, good.length - 1), "state-checksum"],
  "is one byte shorter": [(good) => good.subarray(0, -1), "state-size"],
  "is one byte longer": [(good) => new Uint8Array([...good, 0]), "state-size"],
  "is empty": [() => new Uint8Array(0), "state-size"],
}

const stateDamage = Object.entries(stateDamages).map(
  ([name, [damage, code]]): Scenario => ({
    name: `damage: a state that ${name} is skipped as ${code}`,
    async run(context) {
      const { open, keys, peek, plant } = context
      await saveAll(await open(), 1, 2)
      await plant(keys.state(2), damage((await peek(keys.state(2))) as Uint8Array))
      await assertSkipped(context, code)
      const store = await open()
      // The manifest is whole.
      assert.equal((await store.load(2))?.epoch, 2)
      assert.ok((await bytesBeforeDamage(await store.readState(2), 2)) < stateText(2).length)
    },
  }),
)

/** Random numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export const damageScenarios: readonly Scenario[] = [
  ...manifestDamage,
  ...stateDamage,
  {
    name: "damage: a state that is missing is skipped as state-missing",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      await context.raw.delete([context.keys.state(2)])
      await assertSkipped(context, "state-missing")
      await refusal((await context.open()).readState(2), "CKPT_CORRUPT", 2)
    },
  },
  {
    name: "damage: a lost state that somebody put back is damaged no more, for a store that had missed it",
    async run({ open, keys, plant, raw }) {
      await saveAll(await open(), 1, 2)
      await raw.delete([keys.state(2)])
      const store = await open()
      assert.equal((await store.recover()).checkpoint?.id, 1)
      await plant(keys.state(2), stateText(2))
      assert.deepEqual(
        (await listAll(store)).map(({ id, valid }) => [id, valid]),
        [
          [1, true],
          [2, true],
        ],
      )
      assert.equal((await store.recover()).checkpoint?.id, 2)
    },
  },
  {
    name: "damage: a damaged slice of one operator leaves the other operators readable",
    async run({ open, keys, peek, plant }) {
      const store = await open()
      const operators = { a: bytes("of operator a"), b: bytes("of operator b"), c: bytes("of operator c") }
      await store.save(manifestOf(1), { operators, inlineThreshold: 0 })
      await plant(keys.state(1), flipped(await peek(keys.state(1)), 15))
      assert.equal((await store.recover()).outcome, "exhausted")
      const { checkpoint } = await store.recover({ depth: "shallow" })
      assert.equal(text(await checkpoint?.operator("a")), "of operator a")
      await refusal(checkpoint?.operator("b") as Promise<unknown>, "CKPT_CORRUPT", 1)
      assert.equal(text(await checkpoint?.operator("c")), "of operator c")
    },
  },
  {
    name: "damage: a deep recovery passes over a checkpoint whose operators could not be read",
    async run({ open, keys, peek, plant }) {
      const store = await open()
      const operators = { a: bytes("of operator a"), b: bytes("of operator b") }
      for (const id of [1, 2]) await store.save(manifestOf(id), { operators, inlineThreshold: 0 })
      const good = parseManifest((await peek(keys.manifest(2))) as Uint8Array)
      const { a, b } = good.operatorStates as Record<string, OperatorState>
      const { a: ofA = "", b: ofB = "" } = good.operatorChecksums ?? {}
      const wrong: Partial<CheckpointManifest>[] = [
        { operatorChecksums: { a: ofB, b: ofB } },
        { operatorChecksums: { a: ofB, b: ofA } },
        { operatorStates: { a: b as OperatorState, b: a as OperatorState } },
        { operatorStates: { a: a as OperatorState, b: { ...(b as OperatorState), externalLength: 12 } } },
        { operatorStates: { a: { ...(a as OperatorState), externalLength: 14 }, b: b as OperatorState } },
      ]
      for (const change of wrong) {
        await plant(keys.manifest(2), manifestToJson({ ...good, ...change }))
        const found = await (await open()).recover()
        assert.deepEqual([found.checkpoint?.id, found.skipped.map(({ id }) => id)], [1, [2]], JSON.stringify(change))
        for (const name of ["a", "b"]) assert.equal(text(await found.checkpoint?.operator(name)), `of operator ${name}`)
      }
    },
  },
  {
    name: "damage: an external operator of no bytes is read, also without a state",
    async run({ open, keys, plant }) {
      const none = { stateB64: null, external: true, externalOffset: 0, externalLength: 0 }
      const manifest = { ...manifestOf(1, { operatorStates: { none } }), stateSize: 0 }
      await plant(keys.manifest(1), manifestToJson(manifest))
      const { checkpoint, outcome } = await (await open()).recover()
      assert.equal(outcome, "recovered")
      assert.equal(text(await checkpoint?.operator("none")), "")
    },
  },
  {
    name: "damage: a manifest without checksums is recovered, with a warning for its state",
    async run({ open, keys, plant }) {
      const store = await open()
      await plant(keys.manifest(1), legacyManifest(1))
      await plant(keys.state(1), stateText(1))
      const found = await assertRecovers(store, 1)
      assert.deepEqual(found.checkpoint?.manifest.vnodeCount, 256)
      assert.deepEqual(
        (await store.verify(1)).issues.map(({ code, severity }) => [severity, code]),
        [["warning", "state-unverified"]],
      )
    },
  },
  {
    name: "damage: recover finds the latest untouched checkpoint among random damage",
    async run({ open, keys, peek, plant, raw: storage, layout }) {
      const below = random(42)
      const writer = await open()
      for (let round = 0; round < 40; round++) {
        const first = await writer.nextId()
        const ids = [first, first + 1, first + 2]
        await saveAll(writer, ...ids)
        const untouched = ids[below(3)] as number
        const victims = ids.filter((id) => id !== untouched).flatMap((id) => [keys.manifest(id), keys.state(id)])
        for (const key of [...victims, keys.pointer]) {
          const good = (await peek(key)) ?? new Uint8Array(1)
          const index = below(good.length)
          const ways = [
            async () => undefined,
            () => plant(key, good.with(index, below(256))),
            () => plant(key, good.subarray(0, index)),
            () =>
              plant(
                key,
                Uint8Array.from({ length: below(64) }, () => below(256)),
              ),
            () => storage.delete([key]),
          ]
          await ways[below(ways.length)]?.()
        }
        const store = await open()
        const found = await store.recover()
        assert.equal(found.outcome, "recovered", `${layout}, round ${round}`)
        const id = found.checkpoint?.id ?? 0
        assert.ok(id >= untouched, `${layout}, round ${round}: ${id} instead of ${untouched}`)
        await found.checkpoint?.state()
        for (const summary of await listAll(store)) assert.ok(summary.valid || summary.issues.length > 0)
        await store.prune({ last: 1 })
        assert.ok((await store.ids()).includes(id))
        await store.close()
      }
    },
  },
]
