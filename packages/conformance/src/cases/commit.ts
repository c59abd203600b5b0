import { bytesOf, joined, pattern, textOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { nextTurn } from "../harness/waiting.js"
import { cut, source } from "./support/body.js"
import { fail, holds, identity, isAbsent, keysOf, outcome, same } from "./support/check.js"
import { committed, manifestKey, pointer, pointerKey, stateKey } from "./support/commit.js"

export const commitCases: readonly BackendCase[] = [
  {
    name: "commit: a commit creates its objects, body after body",
    loses: "a manifest would be written before the checksum of its state is known, or describe another state.",
    needs: ["commit"],
    async run({ backend, another, largeBytes, note }) {
      const state = pattern(largeBytes)
      const body = source(cut(state))
      let takenBefore = -1
      const manifest = () => {
        takenBefore = body.taken
        return [bytesOf(`a manifest of ${body.taken} chunks`)]
      }
      const create = [
        { key: stateKey(1), body },
        { key: manifestKey(1), body: manifest },
      ]
      const metas = await committed(backend, { create, pointer: pointer("1") }, note)
      if (metas === undefined) return
      const chunks = cut(state).length
      same(takenBefore, chunks, "the chunks of the state that were taken when the manifest was asked for")
      const other = await another()
      const expected = [
        await holds(other, stateKey(1), state, "the state"),
        await holds(other, manifestKey(1), bytesOf(`a manifest of ${chunks} chunks`), "the manifest"),
      ]
      same(metas.map(identity), expected.map(identity), "the metas that commit returned")
      await holds(other, pointerKey, bytesOf("1"), "the pointer")
      same(body.opened, 1, "how often the state was opened")
    },
  },
  {
    name: "commit: nothing is visible before everything is written",
    loses: "recovery would find a manifest without its state, or a pointer to a checkpoint that does not exist.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const other = await another()
      await backend.put(pointerKey, [bytesOf("0")])
      const look = async () => {
        for (const one of [backend, other]) {
          for (const key of [stateKey(1), manifestKey(1)]) await isAbsent(one, key, "in the middle of a commit")
          await holds(one, pointerKey, bytesOf("0"), "the pointer in the middle of a commit")
        }
      }
      const create = [
        { key: stateKey(1), body: source(cut(pattern(300_000)), look) },
        { key: manifestKey(1), body: () => source([bytesOf("manifest")], look) },
      ]
      if ((await committed(backend, { create, pointer: pointer("1") }, note)) === undefined) return
      await holds(other, manifestKey(1), bytesOf("manifest"), "the manifest")
      await holds(other, pointerKey, bytesOf("1"), "the pointer")
    },
  },
  {
    name: "commit: readers see a whole commit or nothing of it",
    loses: "a reader that comes at the wrong moment would find half a checkpoint and call it damaged.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const other = await another()
      let writing = true
      const reader = async () => {
        for (; writing; await nextTurn()) {
          const pointed = await other.get(pointerKey)
          const named = pointed && textOf(await joined(pointed.body))
          const keys = await keysOf(other, "store/checkpoint-")
          const [states, manifests] = ["/state", "/manifest"].map((end) => keys.filter((key) => key.endsWith(end)))
          same(
            manifests?.length,
            states?.length,
            `states and manifests that a reader sees at once (${keys.join(", ")})`,
          )
          if (!named) continue
          const key = manifestKey(Number(named))
          if (!keys.includes(key)) fail("the checkpoint that the pointer names, listed after it was read", key, keys)
        }
      }
      const reading = outcome(reader())
      const writer = async () => {
        for (let id = 1; id <= 25; id++) {
          const create = [
            { key: stateKey(id), body: [pattern(1000, id)] },
            { key: manifestKey(id), body: [bytesOf(`manifest ${id}`)] },
          ]
          if ((await committed(backend, { create, pointer: pointer(String(id)) }, note)) === undefined) return
        }
      }
      const wrote = await outcome(writer())
      writing = false
      for (const { error } of [await reading, wrote]) if (error !== undefined) throw error
    },
  },
]
