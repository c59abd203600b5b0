import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { never } from "../harness/waiting.js"
import { cut, source } from "./support/body.js"
import { checkBackendError, fail, holds, keysOf, outcome, rejectsWith, same } from "./support/check.js"
import { commitOf, manifestKey, pointer, pointerKey, refusal, stateKey } from "./support/commit.js"

export const commitRefusalCases: readonly BackendCase[] = [
  {
    name: "commit: a body that fails undoes the whole commit",
    loses: "a save that broke off would leave its first half behind, under an id that is then burnt.",
    needs: ["commit"],
    async run({ backend }) {
      await backend.put(pointerKey, [bytesOf("0")])
      const commit = commitOf(backend)
      const error = new Error("the source broke off")
      const failing = () =>
        source(cut(pattern(200_000)), (index) => {
          if (index === 2) throw error
        })
      const fine = () => [bytesOf("fine")]
      const throwing = () => {
        throw error
      }
      for (const [first, second] of [
        [failing, fine],
        [fine, failing],
        [fine, throwing],
      ] as const) {
        const create = [
          { key: stateKey(1), body: first() },
          { key: manifestKey(1), body: second },
        ]
        const seen = await outcome(commit({ create, pointer: pointer("1") }))
        if (seen.value === "unsupported") return
        if (seen.error !== error) fail("a commit with a body that fails", error, seen.error ?? seen.value)
        same(await keysOf(backend, ""), [pointerKey], "all that is listed after a commit that failed")
        await holds(backend, pointerKey, bytesOf("0"), "the pointer after a commit that failed")
      }
    },
  },
  {
    name: "commit: a commit over an existing key is refused and changes nothing",
    loses:
      "the second of two writers with one id would overwrite the first one's checkpoint, or point at it as its own.",
    needs: ["commit"],
    async run({ backend }) {
      await backend.put(pointerKey, [bytesOf("0")])
      for (const [id, taken] of [
        [1, stateKey(1)],
        [2, manifestKey(2)],
      ] as const) {
        await backend.put(taken, [bytesOf("taken")])
        const body = source([bytesOf("new")])
        const create = [
          { key: stateKey(id), body },
          { key: manifestKey(id), body: [bytesOf("new")] },
        ]
        const seen = await refusal(backend, { create, pointer: pointer("9") })
        if (seen === "unsupported") same(body.opened, 0, "a body of a batch that is not supported was opened")
        else if (checkBackendError(seen, "the refusal").kind !== "precondition")
          fail("the refusal", "precondition", seen)
        await holds(backend, taken, bytesOf("taken"), "the object that was there")
        await holds(backend, pointerKey, bytesOf("0"), "the pointer")
      }
      same(await keysOf(backend, ""), [stateKey(1), manifestKey(2), pointerKey].sort(), "all that is listed")
    },
  },
  {
    name: 'commit: a commit that answers "unsupported" reads no body',
    loses: "a stream that was begun would be missing its beginning when core writes it step by step instead.",
    needs: ["commit"],
    async run({ backend, note }) {
      const bodies = ["one", "two", "three"].map((text) => source([bytesOf(text)]))
      const [one, two, three] = bodies as [(typeof bodies)[0], (typeof bodies)[0], (typeof bodies)[0]]
      let called = 0
      const counted =
        <T>(value: T) =>
        () => {
          called++
          return value
        }
      const answer = await commitOf(backend)({
        create: [
          { key: "x/1/one", body: one },
          { key: "y/2/deep/two", body: counted(two) },
          { key: "three", body: three },
        ],
        pointer: { key: "z/pointer", decide: counted(bytesOf("moved")) },
      })
      if (answer !== "unsupported") {
        note("takes keys of several folders")
        await holds(backend, "x/1/one", bytesOf("one"), "the first object")
        await holds(backend, "y/2/deep/two", bytesOf("two"), "the second object")
        await holds(backend, "three", bytesOf("three"), "the third object")
        return holds(backend, "z/pointer", bytesOf("moved"), "the pointer").then(() => {})
      }
      same([...bodies.map(({ opened }) => opened), called], [0, 0, 0, 0], "bodies opened, functions called")
      same(await keysOf(backend, ""), [], "all that is listed")
    },
  },
  {
    name: "commit: an aborted commit rejects with the reason and leaves nothing",
    loses: "a save that was given up would appear all the same, or could not be given up while its source hangs.",
    needs: ["commit"],
    async run({ backend }) {
      const commit = commitOf(backend)
      const reason = { reason: "aborted by its caller" }
      const create = (body: AsyncIterable<Uint8Array>) => [
        { key: stateKey(1), body: [bytesOf("state")] },
        { key: manifestKey(1), body },
      ]
      const signal = AbortSignal.abort(reason)
      const unread = source([bytesOf("x")])
      await rejectsWith(commit({ create: create(unread), pointer: pointer("1") }, { signal }), reason, "aborted before")
      same(unread.taken, 0, "the chunks that an aborted commit took")
      for (const hangs of [false, true]) {
        const aborting = new AbortController()
        const body = source([bytesOf("a"), bytesOf("b")], (index) => {
          if (index !== 1) return undefined
          if (!hangs) aborting.abort(reason)
          else setImmediate(() => aborting.abort(reason))
          return hangs ? never() : undefined
        })
        const { signal } = aborting
        const seen = await outcome(commit({ create: create(body), pointer: pointer("1") }, { signal }))
        if (seen.value === "unsupported") return
        if (seen.error !== reason)
          fail("a commit that was aborted in its second body", reason, seen.error ?? seen.value)
        same(await keysOf(backend, ""), [], "all that is listed after a commit that was aborted")
      }
    },
  },
]
