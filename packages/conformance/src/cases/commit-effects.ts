import type { ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import {
  checkBackendError,
  fail,
  holds,
  identity,
  isAbsent,
  keysOf,
  outcome,
  read,
  rejectsAs,
  rejectsWith,
  same,
  sameBytes,
} from "./support/check.js"
import { commitOf, committed, manifestKey, pointerKey, refusal, stateKey } from "./support/commit.js"

const state = pattern(200_000, 1)
const manifest = bytesOf("a manifest")

/** A checkpoint, its bodies in the order of a save. */
const checkpoint = (id: number) => [
  { key: stateKey(id), body: cut(state) },
  { key: manifestKey(id), body: () => [manifest] },
]

/** What a commit wrote, as every other call sees it, and what other calls wrote, as a commit sees it. */
export const commitEffectCases: readonly BackendCase[] = [
  {
    name: "commit: what it created is an object for every other call",
    loses: "a checkpoint that was committed could be overwritten by a create, not be updated, or never be pruned.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      if ((await committed(backend, { create: checkpoint(1) }, note)) === undefined) return
      for (const one of [backend, await another()]) {
        const meta = await holds(one, stateKey(1), state, "a state that a commit created")
        for (const [offset, length] of [
          [0, 10],
          [1000, 100_000],
          [199_990, 100],
          [200_000, 1],
        ] as const) {
          const seen = await read(one, stateKey(1), { range: { offset, length }, ifVersion: meta.version })
          sameBytes(
            seen,
            state.subarray(offset, offset + length),
            `${length} bytes (get) from ${offset} of what a commit created`,
          )
        }
        const past = one.get(stateKey(1), { range: { offset: 200_001 } })
        await rejectsAs("precondition", past, "a range (get) past the end of what a commit created")
        await rejectsAs(
          "precondition",
          one.get(stateKey(1), { ifVersion: `${meta.version}0` }),
          "another version (get) of it",
        )
        for (const body of [[bytesOf("x")], source([bytesOf("x")])]) {
          await rejectsAs(
            "precondition",
            one.put(stateKey(1), body, { when: "absent" }),
            "a create (put) over what a commit created",
          )
        }
        const { version } = await holds(one, manifestKey(1), manifest, "a manifest that a commit created")
        const changed = await one.put(manifestKey(1), [bytesOf("changed")], { when: { version } })
        if (changed.version === version)
          fail("the version after a replace of what a commit created", "another", version)
        await rejectsAs(
          "precondition",
          one.put(manifestKey(1), [manifest], { when: { version } }),
          "a stale replace of it",
        )
        same(await one.delete([manifestKey(1)]), [], "the failures of a delete of what a commit created")
        await isAbsent(one, manifestKey(1), "what a commit created, after its delete")
        await one.put(manifestKey(1), [manifest], { when: "absent" })
      }
    },
  },
  {
    name: "commit: what was removed can be committed again, and what was put or committed cannot",
    loses: "an id whose save was undone could never be used again, or an id that is taken would be used twice.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const other = await another()
      for (let round = 0; round < 3; round++) {
        if ((await committed(backend, { create: checkpoint(1) }, note)) === undefined) return
        const again = await refusal(other, { create: checkpoint(1) })
        if (again !== "unsupported" && checkBackendError(again, "a second commit").kind !== "precondition")
          fail("a second commit of the same keys", "precondition", again)
        same(await other.delete([stateKey(1), manifestKey(1)]), [], "the failures of a delete of a commit")
        for (const key of [stateKey(1), manifestKey(1)]) await isAbsent(backend, key, "a commit that was removed")
        // By put in between, and removed again.
        await other.put(stateKey(1), [bytesOf("by put")], { when: "absent" })
        const refused = await refusal(backend, { create: checkpoint(1) })
        if (refused !== "unsupported") checkBackendError(refused, "a commit over what put wrote")
        await holds(backend, stateKey(1), bytesOf("by put"), "what put wrote, after a commit over it was refused")
        await backend.delete([stateKey(1)])
        same(await keysOf(other, ""), [], "all that is listed after it was removed")
      }
    },
  },
  {
    name: "commit: the metas come in the order of the batch, as head has them",
    loses: "an update of a manifest would be refused, because it was told the state's version for the manifest's.",
    needs: ["commit"],
    async run({ backend, note }) {
      const names = ["store/one/z", "store/one/a", "store/one/m"]
      const create = names.map((key, index) => ({ key, body: [pattern(10 + index, index)] }))
      const metas = await committed(backend, { create }, note)
      if (metas === undefined) return
      const expected = await Promise.all(names.map(async (key) => identity(await backend.head(key))))
      same(
        metas.map(identity),
        expected,
        "the metas that commit returned, against head of the keys in the batch's order",
      )
      const now = (await backend.now()).getTime()
      for (const { key, lastModified } of metas) {
        const age = Math.abs(now - lastModified.getTime())
        if (!(age < 60_000))
          fail(`lastModified of ${key}, as commit tells it`, "a moment ago, by the storage's clock", lastModified)
        const head = (await backend.head(key))?.lastModified.getTime() ?? 0
        if (Math.abs(head - lastModified.getTime()) > 1000)
          fail(`lastModified of ${key} (head)`, lastModified, new Date(head))
      }
    },
  },
  {
    name: "commit: each body is read once, and each function called once, in order",
    loses:
      "a state from a stream that can be read once would be stored empty, or its manifest describe another reading.",
    needs: ["commit"],
    async run({ backend, note }) {
      const log: string[] = []
      const told = (name: string) =>
        source([bytesOf(name)], (index) => {
          log.push(`${name}${index === 0 ? "" : " ends"}`)
        })
      const [first, third] = [told("first"), told("third")]
      const create = [
        { key: "store/one/1", body: first },
        {
          key: "store/one/2",
          body: () => {
            log.push("second is asked for")
            return told("second")
          },
        },
        { key: "store/one/3", body: third },
        {
          key: "store/one/4",
          body: () => {
            log.push("fourth is asked for")
            return [bytesOf("fourth")]
          },
        },
      ]
      if ((await committed(backend, { create }, note)) === undefined) return
      const order = [
        "first",
        "first ends",
        "second is asked for",
        "second",
        "second ends",
        "third",
        "third ends",
        "fourth is asked for",
      ]
      same(log, order, "when a commit asks for its bodies, and reads them")
      same([first.opened, third.opened], [1, 1], "how often a commit opened its bodies")
      for (const [index, name] of ["first", "second", "third", "fourth"].entries())
        await holds(backend, `store/one/${index + 1}`, bytesOf(name), "an object of the batch")
    },
  },
  {
    name: "commit: decide sees the pointer that is there, however it was written, and none if it was removed",
    loses: "a save would overwrite the claim of another process, since it decided on a pointer from before.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const other = await another()
      let id = 0
      const decided = async (by: ObjectBackend, next: Uint8Array | undefined) => {
        let seen: { version: string; bytes: Uint8Array } | undefined
        const decide = (current: typeof seen) => {
          seen = current && { version: current.version, bytes: current.bytes.slice() }
          return next
        }
        const create = [{ key: manifestKey(++id), body: [manifest] }]
        const done = await committed(by, { create, pointer: { key: pointerKey, decide } }, note)
        return done && { seen }
      }
      const expect = async (by: ObjectBackend, next: Uint8Array | undefined, what: string) => {
        const head = await other.head(pointerKey)
        const bytes = head && (await read(other, pointerKey))
        const found = await decided(by, next)
        if (found === undefined) return false
        same(found.seen?.version, head?.version, `the version that decide is told of ${what}`)
        same(found.seen === undefined, bytes === undefined, `whether decide is told of ${what}`)
        if (bytes !== undefined && found.seen !== undefined)
          sameBytes(found.seen.bytes, bytes, `the bytes that decide is told of ${what}`)
        if (next !== undefined) await holds(other, pointerKey, next, `the pointer after ${what}`)
        return true
      }
      await other.put(pointerKey, [bytesOf("by put")])
      if (!(await expect(backend, bytesOf("one"), "a pointer that put wrote"))) return
      await expect(other, bytesOf(""), "a pointer that a commit wrote")
      await expect(backend, bytesOf("two"), "an empty pointer")
      await other.put(pointerKey, [pattern(70_000)])
      await expect(backend, undefined, "a long pointer, which is left")
      await holds(backend, pointerKey, pattern(70_000), "a pointer that decide left")
      await other.delete([pointerKey])
      await expect(backend, undefined, "a pointer that was removed")
      await isAbsent(other, pointerKey, "a pointer that was removed, and that decide left")
      await expect(other, bytesOf("three"), "a pointer that is not there")
    },
  },
  {
    name: "commit: a refused commit calls for nothing that it has to undo",
    loses: "a save that was refused would have moved the pointer, or left a state under an id that is another's.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const other = await another()
      const before = await backend.put(pointerKey, [bytesOf("0")])
      const error = new Error("the pointer is another writer's")
      const throws = () => {
        throw error
      }
      const thrown = await outcome(
        commitOf(backend)({ create: checkpoint(1), pointer: { key: pointerKey, decide: throws } }),
      )
      if (thrown.value === "unsupported") return note('a checkpoint in one folder is answered "unsupported"')
      await rejectsWith(Promise.reject(thrown.error), error, "a commit whose decide throws")
      for (const one of [backend, other])
        same(await keysOf(one, ""), [pointerKey], "all that is listed after decide has thrown")
      // The keys are free: the next commit of them succeeds.
      await committed(backend, { create: checkpoint(1) }, note)
      await holds(other, manifestKey(1), manifest, "a commit of the keys that a throwing decide had left free")
      const taken = await refusal(other, {
        create: checkpoint(1),
        pointer: { key: pointerKey, decide: () => bytesOf("9") },
      })
      if (taken !== "unsupported") checkBackendError(taken, "a commit over another")
      for (const one of [backend, other]) {
        const after = await holds(one, pointerKey, bytesOf("0"), "the pointer after two commits that were refused")
        same(after.version, before.version, "its version")
      }
    },
  },
]
