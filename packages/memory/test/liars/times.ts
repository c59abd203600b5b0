import type { ObjectBackend, ObjectMeta } from "@ckpt/core"
import type { Liar } from "./support.js"

/** Metas with another time. */
export const timed =
  (time: (meta: ObjectMeta, call: "put" | "get" | "head" | "list") => Date) =>
  (real: ObjectBackend): Partial<ObjectBackend> => ({
    async put(key, body, options) {
      const meta = await real.put(key, body, options)
      return { ...meta, lastModified: time(meta, "put") }
    },
    async get(key, options) {
      const content = await real.get(key, options)
      return content && { ...content, meta: { ...content.meta, lastModified: time(content.meta, "get") } }
    },
    async head(key, options) {
      const meta = await real.head(key, options)
      return meta && { ...meta, lastModified: time(meta, "head") }
    },
    async *list(prefix, options) {
      for await (const meta of real.list(prefix, options)) yield { ...meta, lastModified: time(meta, "list") }
    },
  })

const shifted = (date: Date, ms: number) => new Date(date.getTime() + ms)

/** Faults of times. */
export const timeLiars: readonly Liar[] = [
  {
    name: "the time of an object is that of its first write",
    caughtBy: ["times: every call tells one time of an object: that of its latest write, by the storage's clock"],
    of: (real) => {
      const first = new Map<string, Date>()
      return timed(({ key, lastModified }) => {
        if (!first.has(key)) first.set(key, lastModified)
        return first.get(key)!
      })(real)
    },
  },
  {
    name: "times are rounded up to seconds",
    caughtBy: ["now: the storage's clock is never behind an object that was just written"],
    of: timed(({ lastModified }) => new Date(Math.ceil(lastModified.getTime() / 1000) * 1000)),
  },
  {
    name: "times are rounded up to minutes",
    caughtBy: ["now: the storage's clock is never behind an object that was just written"],
    of: timed(({ lastModified }) => new Date(Math.ceil(lastModified.getTime() / 60_000) * 60_000)),
  },
  {
    name: "times are three seconds fast",
    caughtBy: ["now: the storage's clock is never behind an object that was just written"],
    of: timed(({ lastModified }) => shifted(lastModified, 3000)),
  },
  {
    name: "times are three seconds slow",
    caughtBy: ["commit: the metas come in the order of the batch, as head has them"],
    of: timed(({ lastModified }) => shifted(lastModified, -3000)),
  },
  {
    name: "the storage's clock is three seconds slow",
    caughtBy: ["now: the storage's clock is never behind an object that was just written"],
    of: (real) => ({ now: async (options) => shifted(await real.now(options), -3000) }),
  },
  {
    name: "the storage's clock is three seconds fast",
    caughtBy: ["times: every call tells one time of an object: that of its latest write, by the storage's clock"],
    of: (real) => ({ now: async (options) => shifted(await real.now(options), 3000) }),
  },
  {
    name: "times are in seconds",
    caughtBy: ["now: the storage's clock is the one that stamps its objects"],
    of: timed(({ lastModified }) => new Date(lastModified.getTime() / 1000)),
  },
  {
    name: "times are an hour off",
    caughtBy: ["now: the storage's clock is the one that stamps its objects"],
    of: timed(({ lastModified }) => shifted(lastModified, -3_600_000)),
  },
  {
    name: "a listing's times are an hour off",
    caughtBy: ["now: the storage's clock is never behind an object that was just written"],
    of: timed(({ lastModified }, call) => (call === "list" ? shifted(lastModified, 3_600_000) : lastModified)),
  },
  {
    name: "a listing's times are three seconds slow",
    caughtBy: ["times: every call tells one time of an object: that of its latest write, by the storage's clock"],
    of: timed(({ lastModified }, call) => (call === "list" ? shifted(lastModified, -3_000) : lastModified)),
  },
  {
    name: "the time of an object is that of its reading",
    caughtBy: ["times: every call tells one time of an object: that of its latest write, by the storage's clock"],
    of: timed(() => new Date()),
  },
  {
    name: "a get tells the time of its answer",
    caughtBy: ["times: every call tells one time of an object: that of its latest write, by the storage's clock"],
    of: timed(({ lastModified }, call) => (call === "get" ? new Date() : lastModified)),
  },
  {
    name: "times are no dates",
    caughtBy: ["now: the storage's clock is the one that stamps its objects"],
    of: timed(({ lastModified }) => lastModified.toISOString() as unknown as Date),
  },
  {
    name: "times are invalid dates",
    caughtBy: ["now: the storage's clock is the one that stamps its objects"],
    of: timed(() => new Date(Number.NaN)),
  },
  {
    name: "the storage's clock is asked for once",
    caughtBy: ["times: every call tells one time of an object: that of its latest write, by the storage's clock"],
    of: (real) => {
      let first: Promise<Date> | undefined
      return { now: (options) => (first ??= real.now(options)) }
    },
  },
  {
    name: "what a commit creates has no time",
    caughtBy: ["commit: the metas come in the order of the batch, as head has them"],
    of: (real) => {
      const created = new Set<string>()
      const wrong = timed(({ key, version, lastModified }) =>
        created.has(`${key} ${version}`) ? new Date(0) : lastModified,
      )(real)
      return {
        ...wrong,
        async commit(batch, options) {
          const metas = await real.commit!(batch, options)
          if (metas === "unsupported") return metas
          for (const { key, version } of metas) created.add(`${key} ${version}`)
          return metas.map((meta) => ({ ...meta, lastModified: new Date(0) }))
        },
      }
    },
  },
]
