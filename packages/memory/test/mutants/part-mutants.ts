import { BackendError, type ObjectBackend, type UploadInParts } from "@ckpt/core"
import type { Upload } from "./complete-memory.js"
import { type Mutant, tick } from "./support.js"

type Parts = UploadInParts<Upload>

/** A backend with parts that does some of their requests in another way. */
function mutant(name: string, wrong: (parts: Parts, real: ObjectBackend) => Partial<Parts>): Mutant {
  return {
    name,
    inParts: true,
    of(real) {
      const parts = real.parts as Parts
      return { parts: { ...parts, ...wrong(parts, real) } }
    },
  }
}

/** What can go wrong with an upload in parts. */
export const partMutants: readonly Mutant[] = [
  mutant("appends a part each time that it is sent", (parts) => ({
    part: (upload, part, options) => parts.part(upload, { ...part, index: upload.parts.length }, options),
  })),
  mutant("joins the parts in the order in which they arrive", (parts) => {
    const last = new WeakMap<Upload, Promise<unknown>>()
    return {
      async part(upload, part, options) {
        // Every other part is overtaken by the next one.
        if (part.index % 2 === 0) for (let turn = 0; turn < 10; turn++) await tick()
        const before = last.get(upload)
        const sent = (async () => {
          await before
          const known = upload.parts.findIndex((bytes) => Buffer.compare(bytes, part.bytes) === 0)
          const index = known === -1 ? upload.parts.length : known
          return parts.part(upload, { ...part, index }, options)
        })()
        last.set(
          upload,
          sent.catch(() => {}),
        )
        return sent
      },
    }
  }),
  mutant("keeps the parts by key", (parts) => {
    const byKey = new Map<string, Uint8Array[]>()
    return {
      async begin(key, options) {
        const begun = await parts.begin(key, options)
        const kept = byKey.get(key) ?? []
        byKey.set(key, kept)
        return { ...begun, parts: kept }
      },
    }
  }),
  mutant("keeps the memory of a part", () => ({
    async part(upload, { index, bytes }, { signal }) {
      signal?.throwIfAborted()
      upload.parts[index] = bytes
    },
  })),
  mutant("takes a part for sent whose first attempt failed", (parts) => {
    const begun = new WeakMap<Upload, Set<number>>()
    return {
      async part(upload, part, options) {
        const known = begun.get(upload) ?? new Set()
        begun.set(upload, known)
        if (known.has(part.index)) return
        known.add(part.index)
        await parts.part(upload, part, options)
      },
    }
  }),
  mutant("makes an object of an upload that is abandoned", (parts, real) => ({
    async abandon(upload, options) {
      await real.put(upload.key, Object.values(upload.parts), options)
      await parts.abandon(upload, options)
    },
  })),
  mutant("shows the parts of an upload before it is complete", (parts, real) => ({
    async part(upload, part, options) {
      await parts.part(upload, part, options)
      if (!part.last) await real.put(upload.key, Object.values(upload.parts))
    },
    async abandon(upload, options) {
      await real.delete([upload.key])
      await parts.abandon(upload, options)
    },
  })),
  mutant("does not know an upload that it has completed", (parts) => {
    const known = new WeakSet<Upload>()
    return {
      async complete(upload, sent, options) {
        if (known.has(upload)) throw new BackendError("permanent", "404: no such upload")
        const meta = await parts.complete(upload, sent, options)
        known.add(upload)
        return meta
      },
    }
  }),
  mutant("loses the last part of a short upload", (parts) => ({
    complete(upload, sent, options) {
      return parts.complete({ ...upload, parts: sent.length === 1 ? [] : upload.parts }, sent, options)
    },
  })),
  mutant("forgets the condition of a short upload in parts", (parts) => ({
    complete(upload, sent, options) {
      const when = sent.length === 1 && upload.when === "absent" ? undefined : upload.when
      return parts.complete({ ...upload, when }, sent, options)
    },
  })),
  mutant("completes an upload although it is aborted", (parts) => ({
    complete: (upload, sent, { size }) => parts.complete(upload, sent, { size }),
  })),
]
