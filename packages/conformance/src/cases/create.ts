import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { holds, isAbsent, keysOf, oneWinner, outcome, persisting, read, rejectsAs, same } from "./support/check.js"

const key = "folder/object"

export const createCases: readonly BackendCase[] = [
  {
    name: "create: a create over an existing object is refused",
    loses: "a second writer with the same id would overwrite a checkpoint that was acknowledged.",
    async run({ backend, another }) {
      const first = await backend.put(key, [bytesOf("first")], { when: "absent" })
      const bodies = [[bytesOf("other")], [bytesOf("first")], [], source([bytesOf("a stream")])]
      for (const by of [backend, await another()]) {
        for (const body of bodies) {
          await rejectsAs("precondition", by.put(key, body, { when: "absent" }), "a create where an object is")
        }
      }
      const stored = await holds(backend, key, bytesOf("first"), "the object that was there")
      same(stored.version, first.version, "the version of the object that was there")
    },
  },
  {
    name: "create: a create over an empty object is refused",
    loses: "an empty state would be overwritten by another writer's.",
    async run({ backend }) {
      await backend.put(key, [], { when: "absent" })
      await rejectsAs("precondition", backend.put(key, [bytesOf("x")], { when: "absent" }), "a create over it")
      await holds(backend, key, new Uint8Array(), "the empty object")
    },
  },
  {
    name: "create: a large create over an existing object is refused, at the latest when it is complete",
    loses: "a large state would overwrite another's where a small one would not: the condition was lost on the way.",
    async run({ backend, largeBytes }) {
      await backend.put(key, [bytesOf("first")])
      const large = cut(pattern(largeBytes))
      await rejectsAs("precondition", backend.put(key, source(large), { when: "absent" }), "a large create")
      await rejectsAs("precondition", backend.put(key, large, { when: "absent" }), "a large create, as an array")
      await holds(backend, key, bytesOf("first"), "the object that was there")
      same(await keysOf(backend, ""), [key], "all that is listed")
    },
  },
  {
    name: "create: an object that came while the body was sent stays",
    loses: "the slower of two writers would overwrite the state of the faster one, whose save was acknowledged.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      const chunks = cut(pattern(largeBytes))
      // The last place is after the last byte, where only the completion is left to be refused.
      for (const at of [1, chunks.length - 1, chunks.length]) {
        const name = `${key}-${at}`
        const body = source(chunks, async (index) => {
          if (index === at) await other.put(name, [bytesOf("faster")], { when: "absent" })
        })
        const slower = `the slower create, overtaken after ${at} of ${chunks.length} chunks`
        await rejectsAs("precondition", backend.put(name, body, { when: "absent" }), slower)
        await holds(backend, name, bytesOf("faster"), "the object of the faster one")
      }
    },
  },
  {
    name: "create: a create after a delete succeeds",
    loses: "a probe, a pin or a state that was removed could never be written again.",
    async run({ backend }) {
      for (const text of ["one", "two", "two"]) {
        await backend.put(key, [bytesOf(text)], { when: "absent" })
        await holds(backend, key, bytesOf(text), "the created object")
        same(await backend.delete([key]), [], "the failures of its delete")
        await isAbsent(backend, key, "after its delete")
      }
    },
  },
  {
    name: "create: exactly one of 32 racers wins",
    loses: "two processes would both be told that checkpoint 7 is theirs, and one of them would lose it.",
    async run({ backend, another }) {
      const backends = [backend, await another(), await another(), await another()]
      for (let round = 0; round < 4; round++) {
        const name = `race/${round}`
        const bytesFor = (index: number) => pattern(1000 + index, index)
        const racers = Array.from({ length: 32 }, (_, index) =>
          outcome(
            // Half of them stream: a stream may take another way through an adapter, with another condition.
            persisting(async () =>
              (backends[index % 4] ?? backend).put(
                name,
                index % 8 < 4 ? [bytesFor(index)] : source([bytesFor(index)]),
                { when: "absent" },
              ),
            ),
          ),
        )
        const winner = oneWinner(await Promise.all(racers), `32 creators of one key, round ${round + 1}`)
        await holds(backend, name, bytesFor(winner), "the winner's object")
      }
    },
  },
  {
    name: "create: exactly one of 4 racers with large objects wins",
    loses: "two large states would both be acknowledged under one id, because only small writes are conditional.",
    async run({ backend, another, largeBytes }) {
      const backends = [backend, await another(), await another(), await another()]
      const racers = backends.map((one, index) =>
        outcome(persisting(() => one.put(key, source(cut(pattern(largeBytes, index))), { when: "absent" }))),
      )
      const winner = oneWinner(await Promise.all(racers), "4 creators of one large object")
      await holds(backend, key, pattern(largeBytes, winner), "the winner's object")
    },
  },
  {
    name: "create: a loser reads the winner's object whole",
    loses: "a writer that was refused would read the winner back, find half of it, and call it a conflict.",
    async run({ backend, another }) {
      const backends = [backend, await another()]
      for (let round = 0; round < 10; round++) {
        const name = `race/${round}`
        const racers = backends.map(async (one, index) => {
          const seen = await outcome(
            persisting(() => one.put(name, source(cut(pattern(200_000, index), 50_000)), { when: "absent" })),
          )
          return { seen, found: await read(one, name) }
        })
        const all = await Promise.all(racers)
        const winner = oneWinner(
          all.map(({ seen }) => seen),
          "2 creators of one key",
        )
        for (const { found } of all)
          same(Buffer.compare(found, pattern(200_000, winner)), 0, "the object that each racer read")
      }
    },
  },
]
