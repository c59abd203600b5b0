import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase, CaseContext } from "../harness/case.js"
import { fail, holds, same } from "./support/check.js"
import { leftoversOf, namesOf, unfinished } from "./support/unfinished.js"

const hour = 3_600_000

/** Where the writer of a leftover is known to live, nothing of it is a leftover, and there is nothing to choose. */
const none = "a write under way is no leftover here"

/** Waits until the storage's clock says that this moment was so long ago. */
async function aged({ backend }: CaseContext, since: Date, ms: number): Promise<void> {
  while ((await backend.now()).getTime() - since.getTime() < ms) await new Promise((resolve) => setTimeout(resolve, 50))
}

/** Which of several leftovers are found, and removed. */
export const leftoverChoiceCases: readonly BackendCase[] = [
  {
    name: "leftovers: those of a prefix are found, and not those of a neighbour",
    loses: "the collection of one store would cut down the saves of another whose name begins alike.",
    needs: ["leftovers"],
    async run(context) {
      const look = leftoversOf(context)
      const keys = ["stores/a/1", "stores/a/2", "stores/ab/1", "stores/b/1", "other/a/1"]
      const writes = await unfinished(context, keys)
      try {
        const count = async (prefix: string) => (await look({ prefix, dryRun: true })).length
        const all = await count("")
        if (all === 0) {
          same(await look({ prefix: "" }), [], "the leftovers that are removed where a dry run found none")
          return context.note(none)
        }
        same(all, keys.length, "the leftovers of five writes under way, each of another key")
        for (const prefix of [
          "stores/",
          "stores/a",
          "stores/a/",
          "stores/ab/",
          "stores/a/1",
          "stores/b/",
          "o",
          "none/",
        ]) {
          const expected = keys.filter((key) => key.startsWith(prefix)).length
          same(
            await count(prefix),
            expected,
            `how many leftovers are found under ${JSON.stringify(prefix)} (a dry run)`,
          )
        }
        const removed = await look({ prefix: "stores/a/" })
        same(removed.length, 2, "how many leftovers are removed under stores/a/")
        same(await count(""), 3, "how many leftovers are there after those under stores/a/ were removed")
        same(await count("stores/ab/"), 1, "how many of them under stores/ab/")
      } finally {
        await writes.end()
      }
    },
  },
  {
    name: "leftovers: mayGo is asked with the key, and what may not go stays and is not told",
    loses: "the save of another store on the same storage would be cut down, or an orphan be reported that is none.",
    needs: ["leftovers"],
    async run(context) {
      const look = leftoversOf(context)
      const keys = ["a/x/1", "a/x/2", "a/y/1"]
      const writes = await unfinished(context, keys)
      try {
        if ((await look({ prefix: "a/", dryRun: true })).length === 0) return context.note(none)
        const now = (await context.backend.now()).getTime()
        for (const dryRun of [true, false]) {
          const asked: string[] = []
          const mayGo = (key: string, since: Date) => {
            asked.push(key)
            if (!(Math.abs(now - since.getTime()) < hour / 2))
              fail("the time that mayGo is told", "a moment ago", since)
            return false
          }
          same(await look({ prefix: "a/", mayGo, dryRun }), [], "leftovers none of which may go (mayGo)")
          // A key that ends in "/": the folder alone is known.
          const known = (key: string) =>
            keys.includes(key) || (key.endsWith("/") && keys.some((one) => one.startsWith(key)))
          for (const key of asked)
            same(known(key), true, `mayGo is asked for ${JSON.stringify(key)}, the key of a write or its folder`)
          same(asked.length, keys.length, "how often mayGo is asked, for three leftovers")
        }
        same((await look({ prefix: "a/", dryRun: true })).length, 3, "the leftovers none of which could go")
        const mayGo = (key: string) => key.startsWith("a/x/")
        const dry = await look({ prefix: "a/", mayGo, dryRun: true })
        same(dry.length, 2, "the leftovers that may go, in a dry run")
        same(
          namesOf(await look({ prefix: "a/", mayGo })),
          namesOf(dry),
          "the leftovers that were removed, against the dry run before",
        )
        same((await look({ prefix: "a/", dryRun: true })).length, 1, "the leftovers after it: the one that may not go")
      } finally {
        await writes.end()
      }
    },
  },
  {
    name: "leftovers: all go, also many, and several of one key, and each is told once",
    loses: "each save that breaks off would take up space for ever, since only the first of them is ever removed.",
    needs: ["leftovers"],
    async run(context) {
      const look = leftoversOf(context)
      const many = context.thorough ? 1100 : 14
      const keys = Array.from({ length: many }, (_, index) => `many/${index < many / 2 ? "same" : index}`)
      const object = bytesOf("finished long ago")
      await context.backend.put("many/same", [object])
      await context.backend.put("many/beside", [object])
      const writes = await unfinished(context, keys)
      try {
        const dry = await look({ prefix: "many/", dryRun: true })
        if (dry.length === 0) return context.note(none)
        same(dry.length, keys.length, "the leftovers (a dry run) of as many writes, half of them of one key")
        for (const { name } of dry)
          if (typeof name !== "string" || name === "") fail("the name of a leftover", "a text", name)
        same(new Set(namesOf(dry)).size, dry.length, "their names, each of which says another leftover")
        const removed = await look({ prefix: "many/" })
        same(namesOf(removed), namesOf(dry), "the leftovers that were removed, against the dry run before")
        for (const { name, error } of removed) if (error !== undefined) fail(`removing ${name}`, "no error", error)
        same(await look({ prefix: "many/", dryRun: true }), [], "the leftovers after all were removed")
        for (const key of ["many/same", "many/beside"])
          await holds(context.backend, key, object, "a finished object beside leftovers of its key")
      } finally {
        await writes.end()
      }
    },
  },
  {
    name: "leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life",
    loses: "saves under way would be cut down, or leftovers stay a thousand times longer than they should.",
    needs: ["leftovers"],
    async run(context) {
      const look = leftoversOf(context)
      const { backend, parts } = context
      const writes = await unfinished(context, ["old/1"])
      const object = await backend.put("clock/object", [bytesOf("x")])
      const upload = parts && (await parts.begin("old/alive", {}))
      try {
        const found = await look({ prefix: "old/1", dryRun: true })
        if (found.length === 0) return context.note(none)
        for (const { since } of found) {
          const apart = Math.abs(since.getTime() - object.lastModified.getTime())
          if (!(apart < 30_000))
            fail("`since` of a leftover", "near the time of an object that was written next", since)
        }
        await aged(context, object.lastModified, 3000)
        if (parts !== undefined && upload !== undefined) {
          const bytes = pattern(parts.partBytes(0, undefined))
          await parts.part(upload, { index: 0, offset: 0, bytes, last: false }, {})
        }
        const count = async (olderThanMs: number, prefix: string) =>
          (await look({ olderThanMs, prefix, dryRun: true })).length
        same(await count(1500, "old/1"), 1, "leftovers older than 1.5 s, three seconds after its last sign of life")
        const asked: Date[] = []
        const mayGo = (_: string, since: Date) => asked.push(since) > 0
        const [left] = await look({ prefix: "old/1", dryRun: true, mayGo })
        for (const since of [left?.since, ...asked]) {
          const age = (await backend.now()).getTime() - (since?.getTime() ?? Number.NaN)
          if (!(age >= 1500))
            fail("`since` of a leftover, three seconds after its last sign of life", "1.5 s ago or more", since)
        }
        same(
          await count(60_000, "old/"),
          0,
          "leftovers older than a minute, some seconds after their last sign of life",
        )
        same(await look({ prefix: "old/", olderThanMs: 60_000 }), [], "what was removed of them")
        if (upload !== undefined)
          same(await count(2800, "old/alive"), 0, "leftovers older than 2.8 s of an upload that sent a part just now")
      } finally {
        await writes.end()
        if (parts !== undefined && upload !== undefined) await parts.abandon(upload, {}).catch(() => {})
      }
    },
  },
]
