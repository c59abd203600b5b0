import type { ObjectBackend, ObjectMeta } from "@ckpt/core"
import { listAll, tick } from "../mutants/support.js"
import type { Liar } from "./support.js"

/** A listing made of other metas. */
export const showing =
  (
    change: (metas: ObjectMeta[], prefix: string, real: ObjectBackend) => readonly ObjectMeta[] | Promise<ObjectMeta[]>,
  ) =>
  (real: ObjectBackend): Partial<ObjectBackend> => ({
    async *list(prefix, options) {
      yield* await change(await listAll(real, prefix, options), prefix, real)
    },
  })

const byKey = (a: ObjectMeta, b: ObjectMeta) => (a.key < b.key ? -1 : 1)
const byBytes = (a: ObjectMeta, b: ObjectMeta) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))

/** The metas page by page, each page asked for by its place among all. */
async function* byOffset(real: ObjectBackend, prefix: string, size: number, pause: boolean) {
  for (let offset = 0; ; offset += size) {
    const page = (await listAll(real, prefix)).sort(byKey).slice(offset, offset + size)
    yield* page
    if (page.length < size) return
    if (pause) await tick()
  }
}

/** A prefix as a pattern of SQL's LIKE. */
function likes(prefix: string, flags: string): RegExp {
  const text = prefix
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("_", ".")
    .replaceAll("%", ".*")
  return new RegExp(`^${text}`, flags)
}

/** Faults of listings. */
export const listingLiars: readonly Liar[] = [
  {
    name: "a listing of exactly one page shows its last key twice",
    caughtBy: ["list: thousands of keys, and prefixes of which exactly one page is there, are listed whole"],
    of: showing((metas) => (metas.length === 1000 ? [...metas, metas.at(-1)!] : metas)),
  },
  {
    name: "a listing loses a key after each page of 1,000",
    caughtBy: ["abort: an aborted list rejects, or lists every key"],
    of: showing((metas) => metas.sort(byKey).filter((_, index) => index === 0 || index % 1000 !== 0)),
  },
  {
    name: "a listing loses a key after each page of 100",
    caughtBy: ["list: a listing is complete while others write and delete"],
    of: showing((metas) => metas.sort(byKey).filter((_, index) => index === 0 || index % 100 !== 0)),
  },
  {
    name: "a listing of exactly 256 keys is empty",
    caughtBy: ["list: thousands of keys, and prefixes of which exactly one page is there, are listed whole"],
    of: showing((metas) => (metas.length === 256 ? [] : metas)),
  },
  {
    name: "a listing of exactly 1,000 keys lacks the last",
    caughtBy: ["list: thousands of keys, and prefixes of which exactly one page is there, are listed whole"],
    of: showing((metas) => (metas.length === 1000 ? metas.slice(0, -1) : metas)),
  },
  {
    name: "a listing ends after 5,000 keys",
    caughtBy: ["list: thousands of keys, and prefixes of which exactly one page is there, are listed whole"],
    of: showing((metas) => metas.slice(0, 5000)),
  },
  {
    name: "a listing fails after 5,000 keys without saying so, as long as another listing is under way",
    caughtBy: ["list: thousands of keys, and prefixes of which exactly one page is there, are listed whole"],
    of: (real) => {
      let open = 0
      return {
        async *list(prefix, options) {
          open++
          try {
            const all = await listAll(real, prefix, options)
            await tick()
            yield* open > 1 ? all.slice(0, 5000) : all
          } finally {
            open--
          }
        },
      }
    },
  },
  {
    name: "two listings at once share one cursor",
    caughtBy: ["list: listings that take turns do not disturb each other"],
    of: (real) => {
      let cursor = 0
      return {
        async *list(prefix, options) {
          cursor = 0
          const all = await listAll(real, prefix, options)
          while (cursor < all.length) {
            yield all[cursor++]!
            await tick()
          }
        },
      }
    },
  },
  {
    name: "a second listing ends the first",
    caughtBy: ["list: listings that take turns do not disturb each other"],
    of: (real) => {
      let latest = 0
      return {
        async *list(prefix, options) {
          const mine = ++latest
          for (const meta of await listAll(real, prefix, options)) {
            if (mine !== latest) return
            yield meta
          }
        },
      }
    },
  },
  {
    name: "pages are counted, so that removals in the middle hide objects",
    caughtBy: ["list: a listing is complete while others write and delete"],
    of: (real) => ({ list: (prefix) => byOffset(real, prefix, 10, true) }),
  },
  {
    name: "an underscore in a prefix stands for any character",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: (real) => ({
      async *list(prefix, options) {
        const like = likes(prefix.replaceAll("%", "\u0000"), "s")
        for (const meta of await listAll(real, "", options))
          if (like.test(meta.key) || meta.key.startsWith(prefix)) yield meta
      },
    }),
  },
  {
    name: "a percent sign in a prefix stands for any text",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: (real) => ({
      async *list(prefix, options) {
        const like = likes(prefix.replaceAll("_", "\u0000"), "s")
        for (const meta of await listAll(real, "", options))
          if (like.test(meta.key) || meta.key.startsWith(prefix)) yield meta
      },
    }),
  },
  {
    name: "a prefix is compared without regard to case",
    caughtBy: ["list: a prefix is plain text, not a folder"],
    of: (real) => ({
      async *list(prefix, options) {
        const lower = prefix.toLowerCase()
        for (const meta of await listAll(real, "", options)) if (meta.key.toLowerCase().startsWith(lower)) yield meta
      },
    }),
  },
  {
    name: "a prefix of brackets is a pattern (GLOB)",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: (real) => ({
      async *list(prefix, options) {
        const text = prefix
          .replace(/[.+^${}()|\\]/g, "\\$&")
          .replaceAll("*", ".*")
          .replaceAll("?", ".")
        let glob: RegExp
        try {
          glob = new RegExp(`^${text}`, "s")
        } catch {
          glob = /^(?!)/
        }
        for (const meta of await listAll(real, "", options)) if (glob.test(meta.key)) yield meta
      },
    }),
  },
  {
    name: "a prefix that ends inside a name finds nothing",
    caughtBy: ["put: an empty object is an object"],
    of: showing((metas, prefix) => (prefix === "" || prefix.endsWith("/") ? metas : [])),
  },
  {
    name: "a prefix that is a whole key does not show that key",
    caughtBy: ["put: an empty object is an object"],
    of: showing((metas, prefix) => metas.filter(({ key }) => key !== prefix)),
  },
  {
    name: "keys of a listing are unescaped as XML",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: showing((metas) =>
      metas.map((meta) => ({
        ...meta,
        key: meta.key.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
      })),
    ),
  },
  {
    name: "keys of a listing are escaped as XML",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: showing((metas) =>
      metas.map((meta) => ({ ...meta, key: meta.key.replaceAll("&", "&amp;").replaceAll("<", "&lt;") })),
    ),
  },
  {
    name: "keys of a listing are decoded as parts of a URL",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: showing((metas) =>
      metas.map((meta) => {
        try {
          return { ...meta, key: decodeURIComponent(meta.key) }
        } catch {
          return meta
        }
      }),
    ),
  },
  {
    name: "a plus sign in a key of a listing becomes a space",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: showing((metas) => metas.map((meta) => ({ ...meta, key: meta.key.replaceAll("+", " ") }))),
  },
  {
    name: "names that look like numbers are numbers in a listing",
    caughtBy: ["abort: an aborted list rejects, or lists every key"],
    of: showing((metas) =>
      metas.map((meta) => ({
        ...meta,
        key: meta.key
          .split("/")
          .map((name) => (name !== "" && Number.isFinite(Number(name)) ? String(Number(name)) : name))
          .join("/"),
      })),
    ),
  },
  {
    name: "only long numbers of a listing lose digits",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: showing((metas) =>
      metas.map((meta) => ({ ...meta, key: meta.key.replace(/\d{17,}/g, (digits) => String(Number(digits))) })),
    ),
  },
  {
    name: "keys of a listing are trimmed",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: showing((metas) => metas.map((meta) => ({ ...meta, key: meta.key.trim() }))),
  },
  {
    name: "spaces in keys of a listing are collapsed",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: showing((metas) => metas.map((meta) => ({ ...meta, key: meta.key.replace(/ {2,}/g, " ") }))),
  },
  {
    name: "keys of a listing are normalised (NFC)",
    caughtBy: ["list: keys of every plane and length are listed in pages, each once"],
    of: showing((metas) => metas.map((meta) => ({ ...meta, key: meta.key.normalize("NFC") }))),
  },
  {
    name: "keys of a listing are normalised (NFD)",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: showing((metas) => metas.map((meta) => ({ ...meta, key: meta.key.normalize("NFD") }))),
  },
  {
    name: "a listing hides names that begin with a dot",
    caughtBy: ["leftovers: an object is never a leftover"],
    of: showing((metas) => metas.filter(({ key }) => !/(^|\/)\./.test(key))),
  },
  {
    name: "a listing hides names that begin with an underscore",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: showing((metas) => metas.filter(({ key }) => !/(^|\/)_/.test(key))),
  },
  {
    name: "a listing hides names that end in .tmp",
    caughtBy: ["leftovers: an object is never a leftover"],
    of: showing((metas) => metas.filter(({ key }) => !key.endsWith(".tmp"))),
  },
  {
    name: "pages go on after the last key by another order than the storage's",
    caughtBy: ["list: keys of every plane and length are listed in pages, each once"],
    of: (real) => ({
      async *list(prefix, options) {
        const all = (await listAll(real, prefix, options)).sort(byBytes)
        let after = ""
        for (;;) {
          const page = all.filter(({ key }) => key > after).slice(0, 3)
          yield* page
          if (page.length < 3) return
          after = page.at(-1)!.key
        }
      },
    }),
  },
  {
    name: "a listing shows writes under way",
    caughtBy: ["atomic: a new object is not visible before it is whole"],
    of: (real) => {
      const under = new Map<string, number>()
      return {
        async put(key, body, options) {
          under.set(key, (under.get(key) ?? 0) + 1)
          try {
            return await real.put(key, body, options)
          } finally {
            under.set(key, under.get(key)! - 1)
          }
        },
        async *list(prefix, options) {
          const all = await listAll(real, prefix, options)
          yield* all
          for (const [key, count] of under) {
            if (count > 0 && key.startsWith(prefix) && !all.some((meta) => meta.key === key)) {
              yield { key, size: 0, version: "pending", lastModified: new Date() }
            }
          }
        },
      }
    },
  },
  {
    name: "a listing shows unfinished uploads",
    caughtBy: ["parts: a part that is sent twice because its answer was lost is stored once"],
    inParts: true,
    of: (real) => {
      const begun = new Map<unknown, string>()
      const { parts } = real
      return {
        parts: {
          ...parts!,
          async begin(key, options) {
            const upload = await parts!.begin(key, options)
            begun.set(upload, key)
            return upload
          },
          complete: (upload, sent, options) =>
            parts!.complete(upload, sent, options).finally(() => void begun.delete(upload)),
          abandon: (upload, options) => {
            begun.delete(upload)
            return parts!.abandon(upload, options)
          },
        },
        async *list(prefix, options) {
          yield* real.list(prefix, options)
          for (const key of begun.values()) {
            if (key.startsWith(prefix)) yield { key, size: 0, version: "upload", lastModified: new Date() }
          }
        },
      }
    },
  },
  {
    name: "a listing has the size of what was asked for first",
    caughtBy: ["get, head and list describe an object alike"],
    of: (real) => {
      const sizes = new Map<string, number>()
      return {
        async *list(prefix, options) {
          for await (const meta of real.list(prefix, options)) {
            if (!sizes.has(meta.key)) sizes.set(meta.key, meta.size)
            yield { ...meta, size: sizes.get(meta.key)! }
          }
        },
      }
    },
  },
  {
    name: "a listing has another version than head",
    caughtBy: ["put: an empty object is an object"],
    of: showing((metas) => metas.map((meta) => ({ ...meta, version: `"${meta.version}"` }))),
  },
]
