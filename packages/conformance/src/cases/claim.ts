import { type BackendClaim, BackendError, type ClaimedKeys, type ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase, CaseContext } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { fail, holds, isAbsent, keysOf, outcome, same } from "./support/check.js"

const key = "a/b/object"

async function claimOf(backend: ObjectBackend, prefix = "a/", keys?: ClaimedKeys): Promise<BackendClaim> {
  const claim = backend.claim?.bind(backend) ?? fail("claim", "a method", undefined)
  return claim({ prefix, keys })
}

/** The keys in these folders, and in the folders `in` below them. */
function keysIn(...prefixes: string[]): ClaimedKeys {
  return { prefixes, mayHold: (folder) => prefixes.some((one) => folder === one || folder === `${one}in/`) }
}

/** Claims, runs with the leader's backend, and gives the claim up. */
async function leading(context: CaseContext, run: (leader: ObjectBackend) => Promise<void>, prefix?: string) {
  const { backend } = await claimOf(await context.another(), prefix)
  try {
    await run(backend)
  } finally {
    await backend[Symbol.asyncDispose]()
  }
}

async function isFenced(call: Promise<unknown>, what: string): Promise<void> {
  const { error } = await outcome(call)
  if (!(error instanceof BackendError) || error.kind !== "fenced") fail(what, "a rejection with `fenced`", error)
}

/** Asserts that every call that changes something is fenced. */
async function changesNothing(backend: ObjectBackend, what: string): Promise<void> {
  const { commit } = backend
  await isFenced(backend.put(key, [bytesOf("late")]), `${what}: a put`)
  await isFenced(backend.put("a/b/new", [bytesOf("late")], { when: "absent" }), `${what}: a create`)
  await isFenced(backend.delete([key]), `${what}: a delete`)
  if (commit === undefined) return
  const create = [{ key: "a/c/d/object", body: [bytesOf("late")] }]
  await isFenced(commit.call(backend, { create }), `${what}: a commit`)
}

/** For a backend with claims of its own. Give them to `describeBackend` besides `backendCases`. */
export const claimCases: readonly BackendCase[] = [
  {
    name: "claim: a superseded writer changes nothing any more",
    loses: "a process that was superseded would overwrite or delete what its successor saved.",
    needs: ["claim"],
    async run(context) {
      const { backend } = context
      await backend.put(key, [bytesOf("before")])
      await leading(context, async (leader) => {
        await holds(leader, key, bytesOf("before"), "the object from before the claim")
        await changesNothing(backend, "a plain writer")
        await changesNothing(await context.another(), "another plain writer")
        const before = await keysOf(leader, "")
        const next = await claimOf(await context.another())
        await changesNothing(leader, "a holder that was superseded")
        same(await keysOf(next.backend, ""), before, "all keys after it")
        await holds(next.backend, key, bytesOf("before"), "the object from before")
        await next.backend.put(key, [bytesOf("the leader's")])
        same(await next.backend.delete([key]), [], "failures of the leader's delete")
        await next.backend[Symbol.asyncDispose]()
      })
    },
  },
  {
    name: "claim: a write that is under way during a claim is fenced and leaves nothing",
    loses: "a process that was stopped in the middle of a save would finish it after its successor went on.",
    needs: ["claim"],
    async run(context) {
      const { backend, largeBytes } = context
      const chunks = cut(pattern(largeBytes))
      let leader: ObjectBackend | undefined
      const body = source(chunks, async (index) => {
        if (index === chunks.length - 1) leader = (await claimOf(await context.another())).backend
      })
      await isFenced(backend.put(key, body, { when: "absent" }), "a put during which another one claimed")
      if (leader === undefined) fail("the claim during a put", "a backend", leader)
      await isAbsent(leader, key, "the put")
      await leader.put(key, [bytesOf("the leader's")], { when: "absent" })
      await leader[Symbol.asyncDispose]()
    },
  },
  {
    name: "claim: epochs go up, and a claim that was given up still shuts plain writers out",
    loses: "a writer that was superseded long ago would pass for the latest, or come back once nobody leads.",
    needs: ["claim"],
    async run(context) {
      let last = 0
      for (let round = 0; round < 4; round++) {
        const { backend, epoch } = await claimOf(context.backend)
        if (!(epoch > last)) fail("the epoch of a later claim", `more than ${last}`, epoch)
        last = epoch
        await backend.put(key, [bytesOf(`round ${round}`)])
        await backend[Symbol.asyncDispose]()
        await backend[Symbol.asyncDispose]()
        await changesNothing(backend, "a holder that gave up")
        await changesNothing(context.backend, "a plain writer when nobody leads")
      }
    },
  },
  {
    name: "claim: a claim leaves other prefixes alone, and its own records are not listed",
    loses: "two stores in one storage would shut each other out, or see each other's names.",
    needs: ["claim"],
    async run(context) {
      const { backend } = context
      await leading(context, async (leader) => {
        await leader.put(key, [bytesOf("x")])
        await backend.put("ab/object", [bytesOf("x")])
        await backend.put("object", [bytesOf("x")])
        same(await keysOf(backend, ""), [key, "ab/object", "object"], "all keys")
        await leading(context, (other) => other.put("ab/object", [bytesOf("y")]).then(() => undefined), "ab/")
        await leader.put(key, [bytesOf("y")])
      })
      await leading(context, (all) => all.put(key, [bytesOf("z")]).then(() => undefined), "")
      await holds(backend, key, bytesOf("z"), "the object of the leader of everything")
    },
  },
  {
    name: "claim: a claim of some keys leaves all others under its prefix alone, and names them",
    loses:
      "the claim of one store would stop the writers of another in the same folder, and undo what they were writing.",
    needs: ["claim"],
    async run(context) {
      const { backend, largeBytes } = context
      const others = "a/other/object"
      await backend.put(key, [bytesOf("before")])
      const chunks = cut(pattern(largeBytes))
      let claimed: BackendClaim | undefined
      const body = source(chunks, async (index) => {
        if (index === chunks.length - 1) claimed = await claimOf(await context.another(), "a/", keysIn("a/b/", "a/c/"))
      })
      await backend.put(others, body, { when: "absent" })
      await holds(backend, others, pattern(largeBytes), "the object that was under way during the claim")
      if (claimed === undefined) fail("the claim during a put", "a claim", claimed)
      const { backend: leader, passedOver = [] } = claimed
      same(passedOver, ["other"], "the names that the claim passed over")
      await changesNothing(backend, "a plain writer of the claimed keys")
      for (const deeper of ["a/b/in/object", "a/c/in/object"]) {
        await isFenced(backend.put(deeper, [bytesOf("late")]), `a put of ${deeper}`)
        await leader.put(deeper, [bytesOf("the leader's")])
      }
      await backend.put("a/other/second", [bytesOf("x")])
      same(await backend.delete(["a/other/second"]), [], "failures of a delete of another key")

      const next = await claimOf(await context.another(), "a/", keysIn("a/b/", "a/c/"))
      await changesNothing(leader, "a holder that was superseded")
      await next.backend.put(key, [bytesOf("the next leader's")])
      await backend.put(others, [bytesOf("y")])
      same((await keysOf(backend, "")).sort(), ["a/b/in/object", key, "a/c/in/object", others].sort(), "all keys")
      await next.backend[Symbol.asyncDispose]()
    },
  },
]
