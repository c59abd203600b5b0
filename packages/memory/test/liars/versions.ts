import { createHash } from "node:crypto"
import { crc32 } from "node:zlib"
import { BackendError, type ObjectBackend, type ObjectMeta, type PutOptions } from "@ckpt/core"
import { collect } from "../mutants/support.js"
import type { Liar } from "./support.js"

type Named = (bytes: Uint8Array, meta: ObjectMeta) => string
type Same = (wanted: string, found: string) => boolean

/** A backend whose versions are made, and compared, in another way. One call changes objects at a time. */
export function versions(real: ObjectBackend, named: Named, same: Same = (a, b) => a === b): Partial<ObjectBackend> {
  const names = new Map<string, string>()
  let tail: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work)
    tail = result.catch(() => undefined)
    return result
  }
  const told = async (meta: ObjectMeta): Promise<ObjectMeta> => {
    const name = `${meta.key} ${meta.version}`
    if (!names.has(name)) {
      const content = await real.get(meta.key)
      names.set(name, content === undefined ? meta.version : named(await collect(content.body), meta))
    }
    return { ...meta, version: names.get(name)! }
  }
  const checked = async (key: string, wanted: string) => {
    const meta = await real.head(key)
    if (meta === undefined) throw new BackendError("precondition", `${key} is absent`)
    const { version } = await told(meta)
    if (!same(wanted, version)) throw new BackendError("precondition", `${key} has version ${version}, not ${wanted}`)
    return meta.version
  }
  return {
    async put(key, body, options = {}) {
      const bytes = await collect(body, options)
      return alone(async () => {
        let when: PutOptions["when"] = options.when
        if (typeof when === "object") when = { version: await checked(key, when.version) }
        return told(await real.put(key, [bytes], { ...options, when }))
      })
    },
    get: (key, options = {}) =>
      alone(async () => {
        let { ifVersion } = options
        if (ifVersion !== undefined && (await real.head(key)) !== undefined) ifVersion = await checked(key, ifVersion)
        const content = await real.get(key, { ...options, ifVersion })
        return content && { ...content, meta: await told(content.meta) }
      }),
    head: (key, options) =>
      alone(async () => {
        const meta = await real.head(key, options)
        return meta && told(meta)
      }),
    async *list(prefix, options) {
      for await (const meta of real.list(prefix, options)) yield await told(meta)
    },
    ...(real.commit && {
      commit: async ({ create, pointer }, options) => {
        const decide: NonNullable<typeof pointer>["decide"] = (current) => {
          if (current === undefined) return pointer!.decide(current)
          const name = `${pointer!.key} ${current.version}`
          const { bytes, version } = current
          const meta = { key: pointer!.key, size: bytes.length, version, lastModified: new Date() }
          if (!names.has(name)) names.set(name, named(bytes, meta))
          return pointer!.decide({ bytes, version: names.get(name)! })
        }
        const metas = await real.commit!({ create, ...(pointer && { pointer: { key: pointer.key, decide } }) }, options)
        return metas === "unsupported" ? metas : Promise.all(metas.map(told))
      },
    }),
  }
}

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest()
const unique: Named = (_, { version }) => `${version}x${(Number(version.slice(1)) * 7919) % 97}`

/** Versions of which two are equal, or look equal. */
export const versionLiars: readonly Liar[] = [
  {
    name: "versions are compared by their first half",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) =>
      versions(
        real,
        (bytes) => hash(bytes).toString("hex"),
        (a, b) => a.slice(0, 4) === b.slice(0, 4),
      ),
  },
  {
    name: "a version that begins as the object's passes",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) => versions(real, unique, (a, b) => a.startsWith(b)),
  },
  {
    name: "a version of which the object's is longer passes",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) => versions(real, unique, (a, b) => b.startsWith(a)),
  },
  {
    name: "versions are compared as numbers, of which the last digits are lost",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) =>
      versions(
        real,
        (bytes) => hash(bytes).toString("hex").slice(0, 16),
        (a, b) => Number(`0x${a}`) === Number(`0x${b}`),
      ),
  },
  {
    name: "large versions are compared as numbers",
    caughtBy: ["errors: a refused condition is a BackendError of kind precondition"],
    of: (real) =>
      versions(
        real,
        (_, { version }) => `1700000000000000${version.slice(1).padStart(4, "0")}`,
        (a, b) => Number(a) === Number(b),
      ),
  },
  {
    name: "versions are parsed as numbers, up to their first letter",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) =>
      versions(
        real,
        (bytes) => `1${hash(bytes).toString("hex")}`,
        (a, b) => Number.parseInt(a, 10) === Number.parseInt(b, 10),
      ),
  },
  {
    name: "versions are compared without regard to case",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) =>
      versions(
        real,
        (bytes) => hash(bytes).toString("base64"),
        (a, b) => a.toLowerCase() === b.toLowerCase(),
      ),
  },
  {
    name: "any newer version passes",
    caughtBy: ["version: a condition holds for the very version alone, not for one that looks like it"],
    of: (real) =>
      versions(
        real,
        (_, { version }) => version.slice(1),
        (a, b) => a === b || Number(a) > Number(b),
      ),
  },
  {
    name: "a version is made from the first 1,024 bytes",
    caughtBy: ["version: contents that differ in any one place have different versions"],
    of: (real) => versions(real, (bytes) => hash(bytes.subarray(0, 1024)).toString("hex")),
  },
  {
    name: "a version is made from the first 64 bytes",
    caughtBy: ["version: contents that differ in any one place have different versions"],
    of: (real) => versions(real, (bytes) => hash(bytes.subarray(0, 64)).toString("hex")),
  },
  {
    name: "a version is made from the first and the last bytes",
    caughtBy: ["version: contents that differ in any one place have different versions"],
    of: (real) =>
      versions(real, (bytes) => hash(Buffer.concat([bytes.subarray(0, 64), bytes.subarray(-64)])).toString("hex")),
  },
  {
    name: "a version is the size",
    caughtBy: ["errors: a refused condition is a BackendError of kind precondition"],
    of: (real) => versions(real, (bytes) => String(bytes.length)),
  },
  {
    name: "a version has 8 bits",
    caughtBy: ["get: other content has another version"],
    of: (real) => versions(real, (bytes) => hash(bytes).toString("hex").slice(0, 2)),
  },
  {
    name: "a version has 16 bits",
    caughtBy: ["version: no two of many contents have one version"],
    of: (real) => versions(real, (bytes) => hash(bytes).toString("hex").slice(0, 4)),
  },
  {
    name: "a version is a CRC-32",
    caughtBy: ["version: contents that differ in any one place have different versions"],
    of: (real) => versions(real, (bytes) => crc32(bytes).toString(16)),
  },
  {
    name: "a version is the sum of the bytes",
    caughtBy: ["get: other content has another version"],
    of: (real) => versions(real, (bytes) => `${bytes.length}-${bytes.reduce((sum, byte) => sum + byte, 0)}`),
  },
  {
    name: "a version is the exclusive or of words",
    caughtBy: ["version: contents that differ in any one place have different versions"],
    of: (real) =>
      versions(real, (bytes) => {
        const words = new Uint32Array(1)
        bytes.forEach((byte, at) => {
          words[0]! ^= byte << (8 * (at % 4))
        })
        return `${bytes.length}-${words[0]}`
      }),
  },
  {
    name: "a version is the time of the write, in seconds",
    caughtBy: ["errors: a refused condition is a BackendError of kind precondition"],
    of: (real) => versions(real, (_, { lastModified }) => String(Math.floor(lastModified.getTime() / 1000))),
  },
  {
    name: "a version is the time and the size",
    caughtBy: ["errors: a refused condition is a BackendError of kind precondition"],
    of: (real) =>
      versions(real, (bytes, { lastModified }) => `${Math.floor(lastModified.getTime() / 1000)}-${bytes.length}`),
  },
  {
    name: "a re-created object has its first version again",
    caughtBy: ["replace: a replace of an absent or deleted object is refused"],
    of: (real) => {
      const counts = new Map<string, number>()
      return {
        ...versions(real, (_, { key }) => {
          counts.set(key, (counts.get(key) ?? 0) + 1)
          return `g${counts.get(key)}`
        }),
        async delete(keys, options) {
          const failures = await real.delete(keys, options)
          for (const key of keys) counts.delete(key)
          return failures
        },
      }
    },
  },
  {
    name: "the condition on a range's version is passed over",
    caughtBy: ["get: ifVersion of another version is refused"],
    of: (real) => ({
      get: (key, options = {}) =>
        real.get(key, options.range === undefined ? options : { ...options, ifVersion: undefined }),
    }),
  },
  {
    name: "a pointer that a commit moves keeps its version",
    caughtBy: ["version: each move of the pointer by a commit gives it another version"],
    of: (real) => {
      const kept = new Map<string, { from: string; to: string }>()
      const told = (meta: ObjectMeta) => {
        const one = kept.get(meta.key)
        return one !== undefined && one.to === meta.version ? { ...meta, version: one.from } : meta
      }
      const asked = (key: string, version: string) => (kept.get(key)?.from === version ? kept.get(key)!.to : version)
      return {
        put: (key, body, options = {}) =>
          real.put(
            key,
            body,
            typeof options.when === "object"
              ? { ...options, when: { version: asked(key, options.when.version) } }
              : options,
          ),
        async get(key, options = {}) {
          const content = await real.get(
            key,
            options.ifVersion === undefined ? options : { ...options, ifVersion: asked(key, options.ifVersion) },
          )
          return content && { ...content, meta: told(content.meta) }
        },
        async head(key, options) {
          const meta = await real.head(key, options)
          return meta && told(meta)
        },
        async *list(prefix, options) {
          for await (const meta of real.list(prefix, options)) yield told(meta)
        },
        async commit(batch, options) {
          const key = batch.pointer?.key
          const before = key === undefined ? undefined : await real.head(key)
          const metas = await real.commit!(batch, options)
          const after = key === undefined ? undefined : await real.head(key)
          if (key !== undefined && before !== undefined && after !== undefined && before.version !== after.version) {
            kept.set(key, { from: kept.get(key)?.from ?? before.version, to: after.version })
          }
          return metas
        },
      }
    },
  },
]
