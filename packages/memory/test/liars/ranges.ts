import type { ListRangeOptions, ObjectBackend, ObjectMeta } from "@ckpt/core"
import { byUtf8 } from "@ckpt/core/adapter"
import { listAll } from "../mutants/support.js"
import type { Liar } from "./support.js"

const ascend = "list: with a start or a limit the keys ascend by their bytes"
const start = "list: a start is exclusive, and need not be the key of an object"
const border = "list: a limit cuts at the border of a page, and behind it"
const pages = "list: pages of every size, one behind the other, give each key once"
const together = "list: ranges that are listed at the same time do not disturb each other"
const later = "list: a range shows every earlier write and delete, and describes objects as a whole listing does"

type Order = (a: string, b: string) => number

/** A range made of all entries under the prefix, which come in no order. A whole listing is as it should be. */
const ranging =
  (range: (metas: ObjectMeta[], options: ListRangeOptions, prefix: string) => readonly ObjectMeta[]) =>
  (real: ObjectBackend): Partial<ObjectBackend> => ({
    async *list(prefix, options = {}) {
      const { after, limit, signal } = options
      const all = await listAll(real, prefix, { signal })
      yield* after === undefined && limit === undefined ? all : range(all, options, prefix)
    },
  })

/** Sorts, begins and cuts by one order of keys. */
const inOrderOf = (order: Order) =>
  ranging((metas, { after, limit }) =>
    metas
      .filter(({ key }) => after === undefined || order(key, after) > 0)
      .sort((a, b) => order(a.key, b.key))
      .slice(0, limit),
  )

const sorted = (metas: readonly ObjectMeta[]) => [...metas].sort((a, b) => byUtf8(a.key, b.key))
const behind = (metas: readonly ObjectMeta[], after = "") => sorted(metas).filter(({ key }) => byUtf8(key, after) > 0)

/** Whole folders stand where their names do. */
const byFolders: Order = (a, b) => byUtf8(a.replaceAll("/", "\u0001"), b.replaceAll("/", "\u0001"))
const byLetters: Order = (a, b) => byUtf8(a.toLowerCase(), b.toLowerCase()) || byUtf8(a, b)
const byNumbers: Order = (a, b) => a.localeCompare(b, "en", { numeric: true })

export const rangeLiars: readonly Liar[] = [
  {
    name: "a range comes in the order in which the objects were written",
    caughtBy: [ascend],
    of: ranging((metas, { after = "", limit }) => metas.filter(({ key }) => byUtf8(key, after) > 0).slice(0, limit)),
  },
  { name: "a range sorts names before folders that begin alike", caughtBy: [ascend, start], of: inOrderOf(byFolders) },
  { name: "a range sorts without regard to case", caughtBy: [ascend, start], of: inOrderOf(byLetters) },
  { name: "a range sorts numbers by their value", caughtBy: [ascend, start], of: inOrderOf(byNumbers) },
  {
    name: "a limit cuts first and sorts then",
    caughtBy: [ascend],
    of: ranging((metas, { after, limit }) =>
      behind(metas.filter(({ key }) => byUtf8(key, after ?? "") > 0).slice(0, limit)),
    ),
  },
  {
    name: "a start is inclusive",
    caughtBy: [start, pages],
    of: ranging((metas, { after = "", limit }) =>
      sorted(metas)
        .filter(({ key }) => byUtf8(key, after) >= 0)
        .slice(0, limit),
    ),
  },
  {
    name: "a start that is no key begins at the first one",
    caughtBy: [start],
    of: ranging((metas, { after, limit }) => {
      const isKey = metas.some(({ key }) => key === after)
      return behind(metas, isKey ? after : "").slice(0, limit)
    }),
  },
  {
    name: "a start that is no key gives nothing",
    caughtBy: [ascend, start],
    of: ranging((metas, { after, limit }) => {
      const isKey = after === undefined || metas.some(({ key }) => key === after)
      return isKey ? behind(metas, after).slice(0, limit) : []
    }),
  },
  {
    name: "a start is passed over",
    caughtBy: [start, border],
    of: ranging((metas, { limit }) => sorted(metas).slice(0, limit)),
  },
  {
    name: "a start passes over a folder whose name it begins with",
    caughtBy: [start, pages],
    of: ranging((metas, { after = "", limit }) => {
      const folder = after.slice(0, after.lastIndexOf("/") + 1)
      return behind(metas, after)
        .filter(({ key }) => after.endsWith("/") || !key.startsWith(`${folder}y/`) || folder === "t/x/y/")
        .slice(0, limit)
    }),
  },
  {
    name: "a limit counts from the first entry, not from the start",
    caughtBy: [start, border, pages],
    of: ranging((metas, { after, limit }) => behind(sorted(metas).slice(0, limit), after)),
  },
  {
    name: "a limit above a page gives one page",
    caughtBy: [border],
    of: ranging((metas, { after, limit = Number.POSITIVE_INFINITY }) =>
      behind(metas, after).slice(0, Math.min(limit, 1000)),
    ),
  },
  {
    name: "a limit of a whole page gives one entry more",
    caughtBy: [border],
    of: ranging((metas, { after, limit }) => behind(metas, after).slice(0, limit === 1000 ? 1001 : limit)),
  },
  {
    name: "a range without a limit ends after a page",
    caughtBy: [border],
    of: ranging((metas, { after, limit = 1000 }) => behind(metas, after).slice(0, limit)),
  },
  {
    name: "ranges under way share what is left of their limits",
    caughtBy: [together],
    of: (real) => {
      let left = Number.POSITIVE_INFINITY
      return {
        async *list(prefix, { after, limit, signal } = {}) {
          left = limit ?? Number.POSITIVE_INFINITY
          for (const meta of behind(await listAll(real, prefix, { signal }), after)) {
            if (left-- <= 0) return
            yield meta
          }
        },
      }
    },
  },
  {
    name: "ranges under way share the place that they have reached",
    caughtBy: [together],
    of: (real) => {
      let reached = ""
      return {
        async *list(prefix, { after = "", limit = Number.POSITIVE_INFINITY, signal } = {}) {
          const all = sorted(await listAll(real, prefix, { signal }))
          reached = after
          for (let left = limit; left > 0; left--) {
            const next = all.find(({ key }) => byUtf8(key, reached) > 0)
            if (next === undefined) return
            reached = next.key
            yield next
          }
        },
      }
    },
  },
  {
    name: "the first of a range is remembered",
    caughtBy: [later],
    of: (real) => {
      const firsts = new Map<string, ObjectMeta[]>()
      return {
        async *list(prefix, { after, limit, signal } = {}) {
          const found = behind(await listAll(real, prefix, { signal }), after).slice(0, limit)
          if (limit !== 1) return yield* found
          const known = firsts.get(prefix) ?? found
          if (known.length > 0) firsts.set(prefix, known)
          yield* known
        },
      }
    },
  },
  {
    name: "a range tells another version than a whole listing",
    caughtBy: [later],
    of: ranging((metas, { after, limit }) =>
      behind(metas, after)
        .slice(0, limit)
        .map((meta) => ({ ...meta, version: `"${meta.version}"` })),
    ),
  },
]
