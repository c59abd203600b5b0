import assert from "node:assert/strict"
import { type CheckpointManifest, inlineOperator, type StateSource } from "@ckpt/core"
import { pattern } from "../../harness/bytes.js"
import { recorder } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import {
  assertBytes,
  bytes,
  bytesBeforeDamage,
  flipped,
  manifestOf,
  readAll,
  refusal,
  streamOf,
  text,
} from "../support.js"
import { reusing } from "./writing.js"

const kib = 1024

const externals = (manifest: CheckpointManifest | undefined) =>
  Object.entries(manifest?.operatorStates ?? {}).flatMap(([name, { external }]) => (external ? [name] : []))

export const operatorScenarios: readonly Scenario[] = [
  {
    name: "operators: all go inline if each has up to 64 KiB; otherwise all go into the state",
    async run({ open, keys, allKeys }) {
      const store = await open()
      const operators = {
        exact: pattern(64 * kib),
        above: pattern(64 * kib + 1),
        small: bytes("x"),
        none: new Uint8Array(0),
      }
      const receipt = await store.save(manifestOf(1), { operators })
      assert.equal(receipt.stateSize, 2 * 64 * kib + 2)
      const { checkpoint } = await (await open()).recover()
      assert.deepEqual(externals(checkpoint?.manifest), ["above", "exact", "none", "small"])
      assert.deepEqual(Object.keys(checkpoint?.manifest.operatorChecksums ?? {}), ["above", "exact", "none", "small"])
      for (const [name, content] of Object.entries(operators)) {
        assertBytes(await checkpoint?.operator(name), content, name)
        const reader = await checkpoint?.operatorStream(name)
        assert.equal(reader?.size, content.length)
        assertBytes(await reader?.bytes(), content, name)
      }
      assert.deepEqual(checkpoint?.operators, ["above", "exact", "none", "small"])
      for (const name of ["other", "toString"]) {
        await refusal(checkpoint?.operator(name) as Promise<unknown>, "CKPT_NOT_FOUND", 1)
        await refusal(checkpoint?.operatorStream(name) as Promise<unknown>, "CKPT_NOT_FOUND", 1)
      }

      const { above: _, ...small } = operators
      await store.save(manifestOf(2), { operators: small })
      assert.deepEqual(externals(await store.load(2)), [])
      assert.ok(!(await allKeys()).includes(keys.state(2)))
      assert.equal(await (await store.recover()).checkpoint?.state(), undefined)
    },
  },
  {
    name: "operators: with inlineThreshold 0 all go into the state, in the order of their names, unless all are empty",
    async run({ open, keys, peek }) {
      const store = await open()
      const operators = { b: bytes("second"), a: streamOf("fi", "rst"), c: new Uint8Array(0) }
      await store.save(manifestOf(1), { operators, inlineThreshold: 0 })
      assert.equal(text(await peek(keys.state(1))), "firstsecond")
      const manifest = await store.load(1)
      assert.deepEqual(externals(manifest), ["a", "b", "c"])
      assert.deepEqual(
        [manifest?.operatorStates["b"]?.externalOffset, manifest?.operatorStates["b"]?.externalLength],
        [5, 6],
      )
      assert.equal((await store.verify(1)).valid, true)
      await store.save(manifestOf(2), { operators: { c: new Uint8Array(0) }, inlineThreshold: 0 })
      assert.deepEqual(externals(await store.load(2)), [])
      for (const inlineThreshold of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await refusal(store.save(manifestOf(3), { operators: {}, inlineThreshold }), "CKPT_INVALID")
      }
    },
  },
  {
    name: "operators: more than 4 MiB in all go into the state, however small each is",
    async run({ open }) {
      const store = await open()
      const operators: Record<string, Uint8Array> = {}
      for (let index = 0; index < 70; index++)
        operators[`op-${String(index).padStart(2, "0")}`] = pattern(64 * kib, index)
      await store.save(manifestOf(1), { operators })
      const { checkpoint } = await store.recover()
      const manifest = checkpoint?.manifest
      assert.equal(Object.keys(manifest?.operatorStates ?? {}).length, 70)
      assert.deepEqual(externals(manifest), Object.keys(operators))
      for (const name of ["op-00", "op-63", "op-64", "op-69"]) {
        assertBytes(await checkpoint?.operator(name), operators[name] as Uint8Array, name)
      }
      // The caller's inlineThreshold does not lift that bound.
      await store.save(manifestOf(2), { operators: { big: pattern(5 * 1024 * kib) }, inlineThreshold: 8 * 1024 * kib })
      assert.deepEqual(externals(await store.load(2)), ["big"])
    },
  },
  {
    name: "operators: streams that reuse their buffer read back whole, also those that would have fitted inline",
    async run({ open }) {
      const store = await open()
      const contents = { inline: pattern(50 * kib, 3), large: pattern(900 * kib, 5), edge: pattern(68 * kib, 9) }
      const operators = Object.fromEntries(
        Object.entries(contents).map(([name, content]): [string, StateSource] => [name, reusing(content, 4 * kib)]),
      )
      await store.save(manifestOf(1), { operators })
      const { checkpoint } = await store.recover()
      assert.deepEqual(externals(checkpoint?.manifest), ["edge", "inline", "large"])
      for (const [name, content] of Object.entries(contents)) {
        assertBytes(await checkpoint?.operator(name), content, name)
      }
    },
  },
  {
    name: "operators: reading an operator requests only its own bytes",
    async run({ open, keys }) {
      const names = ["a", "b", "c"]
      const operators = Object.fromEntries(names.map((name, index) => [name, pattern(300_000 + index, index)]))
      await (await open()).save(manifestOf(1), { operators })
      const { calls, through } = recorder()
      const store = await open({ through })
      const { checkpoint } = await store.recover({ depth: "shallow" })
      calls.length = 0
      assertBytes(await checkpoint?.operator("b"), operators["b"] as Uint8Array)
      assert.deepEqual(
        calls.map(({ call, key, range }) => ({ call, key, range })),
        [{ call: "get", key: keys.state(1), range: { offset: 300_000, length: 300_001 } }],
      )
    },
  },
  {
    name: "operators: a damaged slice is CKPT_CORRUPT before its last chunk",
    async run({ open, keys, peek, plant }) {
      const size = 5_000_000
      await (await open()).save(manifestOf(1), { operators: { a: pattern(100_000), b: pattern(size, 8) } })
      await plant(keys.state(1), flipped(await peek(keys.state(1)), 100_001))
      const { checkpoint } = await (await open()).recover({ depth: "shallow" })
      await refusal(checkpoint?.operator("b") as Promise<unknown>, "CKPT_CORRUPT", 1)
      const given = await bytesBeforeDamage(await checkpoint?.operatorStream("b"), 1)
      assert.ok(given > 0 && given < size, `${given} of ${size} bytes were handed over`)
      assert.ok((await checkpoint?.operator("a"))?.length === 100_000)
    },
  },
  {
    name: "operators: an operator of a state that shrank or is gone is CKPT_CORRUPT",
    async run({ open, keys, peek, plant, raw }) {
      await (await open()).save(manifestOf(1), { operators: { a: pattern(100_000), b: pattern(100_000) } })
      const { checkpoint } = await (await open()).recover()
      const state = (await peek(keys.state(1))) as Uint8Array
      await plant(keys.state(1), state.subarray(0, 150_000))
      assert.equal((await checkpoint?.operator("a"))?.length, 100_000)
      await refusal(checkpoint?.operator("b") as Promise<unknown>, "CKPT_CORRUPT", 1)
      await plant(keys.state(1), state.subarray(0, 50_000))
      await refusal(checkpoint?.operator("b") as Promise<unknown>, "CKPT_CORRUPT", 1)
      await raw.delete([keys.state(1)])
      await refusal(checkpoint?.operator("a") as Promise<unknown>, "CKPT_CORRUPT", 1)
    },
  },
  {
    name: "operators: names like __proto__ and constructor are plain names",
    async run({ open }) {
      const store = await open()
      const operators = Object.assign(Object.create(null), {
        ["__proto__"]: bytes("p"),
        constructor: pattern(70 * kib),
        "": bytes("nameless"),
        "ü/../\u{1f600}": bytes("any"),
      })
      Object.defineProperty(operators, "__proto__", { value: bytes("p"), enumerable: true })
      await store.save(manifestOf(1), { operators })
      const { checkpoint } = await (await open()).recover()
      assert.deepEqual(Object.keys(checkpoint?.manifest.operatorStates ?? {}).length, Object.keys(operators).length)
      assert.equal(text(await checkpoint?.operator("__proto__")), "p")
      assert.equal((await checkpoint?.operator("constructor"))?.length, 70 * kib)
      assert.equal(text(await checkpoint?.operator("")), "nameless")
      assert.equal(text(await checkpoint?.operator("ü/../\u{1f600}")), "any")
    },
  },
  {
    name: "operators: a manifest that refers to another checkpoint's external states is CKPT_INVALID",
    async run({ open, allKeys, keys }) {
      const store = await open()
      await store.save(manifestOf(1), { operators: { big: pattern(70 * kib), small: bytes("s") } })
      const first = (await store.load(1)) as CheckpointManifest
      const next = { ...first, checkpointId: 2, epoch: 2 }
      const error = await refusal(store.save({ ...next, stateChecksum: null, stateSize: 0 }), "CKPT_INVALID", 2)
      assert.match(error.message, /"big"/)
      await refusal(store.save(next), "CKPT_INVALID", 2)
      await refusal(store.save(next, { operators: { other: bytes("o") } }), "CKPT_INVALID", 2)
      await refusal(store.save(next, { operators: {}, state: bytes("both") }), "CKPT_INVALID", 2)
      assert.ok(!(await allKeys()).includes(keys.manifest(2)))
      // A state that is given anew replaces the external one. An inline state that the manifest brings goes with it.
      const brings = {
        ...next,
        operatorStates: { ...next.operatorStates, small: inlineOperator(bytes("s")) },
      }
      await store.save(brings, { operators: { big: pattern(71 * kib) } })
      const { checkpoint } = await store.recover()
      assert.equal((await checkpoint?.operator("big"))?.length, 71 * kib)
      assert.equal(text(await checkpoint?.operator("small")), "s")
      assert.deepEqual(await store.verify(2), { id: 2, valid: true, issues: [] })
    },
  },
  {
    name: "operators: inline operators beside a state of its own form are CKPT_INVALID: no checksum of both suits every reader",
    async run({ open, allKeys, keys }) {
      const store = await open()
      const manifest = { ...manifestOf(1), operatorStates: { small: inlineOperator(bytes("s")) } }
      const error = await refusal(store.save(manifest, { state: bytes("whole") }), "CKPT_INVALID", 1)
      assert.match(error.message, /"small"/)
      await store.writeState(1, bytes("ahead"))
      await refusal(store.save(manifest), "CKPT_INVALID", 1)
      assert.ok(!(await allKeys()).includes(keys.manifest(1)))
      await store.save({ ...manifest, checkpointId: 2 })
      assert.equal(text(await (await store.recover()).checkpoint?.operator("small")), "s")
    },
  },
  {
    name: "operators: names are laid out by their UTF-8 bytes, as the reference orders them",
    async run({ open, peek, keys }) {
      const operators = { "\u{1f980}": bytes("crab"), "\uffee": bytes("arrow"), é: bytes("e"), z: bytes("z") }
      await (await open()).save(manifestOf(1), { operators, inlineThreshold: 0 })
      assert.equal(text(await peek(keys.state(1))), "zearrowcrab")
      const names = Object.keys(JSON.parse(text(await peek(keys.manifest(1)))).operator_states)
      assert.deepEqual(names, ["z", "é", "\uffee", "\u{1f980}"])
    },
  },
  {
    name: 'operators: a second save with the same operators is "existed", with others CKPT_CONFLICT',
    async run({ open }) {
      const manifest = manifestOf(1)
      const operators = (seed: number) => ({
        b: reusing(pattern(70 * kib, seed), 999),
        a: streamOf("s"),
        c: pattern(90 * kib),
      })
      await (await open()).save(manifest, { operators: operators(1) })
      const store = await open()
      assert.equal((await store.save(manifest, { operators: operators(1) })).outcome, "existed")
      await refusal(store.save(manifest, { operators: operators(2) }), "CKPT_CONFLICT", 1)
      assert.equal((await store.verify(1)).valid, true)
      assert.ok((await readAll(await (await store.recover()).checkpoint?.operatorStream("a"))) === "s")
    },
  },
]
