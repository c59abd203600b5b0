import { bytesOf, pattern, textOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import {
  checkBackendError,
  fail,
  holds,
  identity,
  keysOf,
  outcome,
  persisting,
  read,
  rejectsWith,
  same,
} from "./support/check.js"
import { commitOf, committed, manifestKey, pointerKey, stateKey } from "./support/commit.js"

const one = (id: number) => [{ key: manifestKey(id), body: [bytesOf(`manifest ${id}`)] }]

export const commitPointerCases: readonly BackendCase[] = [
  {
    name: "commit: decide is given the current pointer",
    loses: "a delayed writer would move the pointer back, or erase fields that it does not know.",
    needs: ["commit"],
    async run({ backend, note }) {
      const seen: unknown[] = []
      const commit = (id: number, next: string | undefined) => {
        const decide = (current: { version: string; bytes: Uint8Array } | undefined) => {
          seen.push(current && { version: current.version, text: textOf(current.bytes) })
          return next === undefined ? undefined : bytesOf(next)
        }
        return committed(backend, { create: one(id), pointer: { key: pointerKey, decide } }, note)
      }
      // `decide` may be called more than once; its last call counts.
      if ((await commit(1, "one")) === undefined) return
      same(seen.at(-1), undefined, "the pointer that decide was told of, where none is")
      const first = await holds(backend, pointerKey, bytesOf("one"), "the pointer")

      await commit(2, undefined)
      same(seen.at(-1), { version: first.version, text: "one" }, "the pointer that decide was told of")
      const kept = await holds(backend, pointerKey, bytesOf("one"), "a pointer that was to be left")
      same(identity(kept), identity(first), "the meta of a pointer that was to be left")

      const moved = await backend.put(pointerKey, [bytesOf("two, by another")])
      await commit(3, "three")
      same(seen.at(-1), { version: moved.version, text: "two, by another" }, "the pointer that decide was told of")
      const last = await holds(backend, pointerKey, bytesOf("three"), "the pointer")
      // A replace accepts the version of a pointer that a commit wrote.
      await backend.put(pointerKey, [bytesOf("four")], { when: { version: last.version } })

      await committed(backend, { create: one(5) }, note)
      await holds(backend, pointerKey, bytesOf("four"), "the pointer after a commit without one")
      for (const id of [1, 2, 3, 5])
        await holds(backend, manifestKey(id), bytesOf(`manifest ${id}`), "the created object")
    },
  },
  {
    name: "commit: a commit rejects with the error of decide and leaves nothing",
    loses: "a claim that decide refuses to overwrite would be overwritten, or the refusal be hidden.",
    needs: ["commit"],
    async run({ backend }) {
      await backend.put(pointerKey, [bytesOf("claimed")])
      const error = new Error("the pointer is another writer's")
      const decide = () => {
        throw error
      }
      const seen = await outcome(commitOf(backend)({ create: one(1), pointer: { key: pointerKey, decide } }))
      if (seen.value === "unsupported") return
      await rejectsWith(Promise.reject(seen.error), error, "a commit whose decide throws")
      same(await keysOf(backend, ""), [pointerKey], "all that is listed")
      await holds(backend, pointerKey, bytesOf("claimed"), "the pointer")
    },
  },
  {
    name: "commit: 24 commits at once all reach the pointer",
    loses: "of two saves at once, the older one could end up as the latest, and the newer one be overlooked.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const backends = [backend, await another(), await another()]
      const decide = (current: { bytes: Uint8Array } | undefined) => bytesOf(String(Number(textOf(current?.bytes)) + 1))
      const ids = Array.from({ length: 24 }, (_, index) => index + 1)
      const done = await Promise.all(
        ids.map((id) => {
          const batch = { create: one(id), pointer: { key: pointerKey, decide } }
          return persisting(() => committed(backends[id % 3] ?? backend, batch, note))
        }),
      )
      if (done.includes(undefined)) return
      same(textOf(await read(backend, pointerKey)), "24", "the pointer, to which each of 24 commits added one")
      const keys = ids.map(manifestKey).sort()
      same(await keysOf(backend, "store/checkpoint-"), keys, "the manifests of all commits")
    },
  },
  {
    name: "commit: exactly one of 8 racers for one checkpoint wins",
    loses: "a checkpoint would be made of one writer's manifest and another one's state.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const backends = [backend, await another(), await another(), await another()]
      for (let round = 1; round <= 4; round++) {
        const racers = Array.from({ length: 8 }, (_, index) => {
          const create = [
            { key: stateKey(round), body: [pattern(5000, index)] },
            { key: manifestKey(round), body: () => [bytesOf(`by ${index}`)] },
          ]
          const pointer = { key: pointerKey, decide: () => bytesOf(`${round} by ${index}`) }
          return outcome(persisting(() => commitOf(backends[index % 4] ?? backend)({ create, pointer })))
        })
        const all = await Promise.all(racers)
        // "unsupported" is a refusal too: core then goes step by step, and finds the id taken.
        const winners = all.flatMap(({ value }, index) => (Array.isArray(value) ? [index] : []))
        if (winners.length === 0 && all.every(({ value }) => value === "unsupported")) {
          note('a checkpoint in one folder is answered "unsupported"')
          return
        }
        if (winners.length !== 1) fail("8 racers for one checkpoint", "1 wins", `${winners.length} won`)
        for (const { error } of all) {
          if (error === undefined) continue
          if (checkBackendError(error, "a loser").kind !== "precondition") fail("a loser", "precondition", error)
        }
        const [winner = -1] = winners
        await holds(backend, stateKey(round), pattern(5000, winner), "the winner's state")
        await holds(backend, manifestKey(round), bytesOf(`by ${winner}`), "the winner's manifest")
        await holds(backend, pointerKey, bytesOf(`${round} by ${winner}`), "the winner's pointer")
      }
    },
  },
]
