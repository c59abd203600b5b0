import { createHash } from "node:crypto"
import { BackendError, type GetOptions, type ObjectMeta, type PutOptions } from "@ckpt/core"
import { MemoryBackend } from "../../src/index.js"

/** An upload whose parts come one by one. */
interface Upload {
  readonly key: string
  /** The latest sign of life. */
  since: Date
  readonly parts: Map<number, Uint8Array>
}

/** The server on the other side of the network. It runs one request after the other, each in one step. */
export class ObjectServer {
  readonly uploads = new Map<string, Upload>()
  readonly #objects: MemoryBackend
  readonly #contentVersions: boolean
  /** The server's version for each version of the memory. */
  readonly #named = new Map<string, string>()
  /** Cached until the next change. */
  #sorted: { name: Buffer; meta: ObjectMeta }[] | undefined
  #started = 0
  #tail: Promise<unknown> = Promise.resolve()

  /** @param contentVersions equal bytes have equal versions, as S3's etags */
  constructor(contentVersions: boolean) {
    this.#contentVersions = contentVersions
    this.#objects = new MemoryBackend({ now: () => this.now().getTime() })
  }

  /** In whole seconds, as HTTP sends it. */
  now(): Date {
    return new Date(Math.floor(Date.now() / 1000) * 1000)
  }

  put(key: string, bytes: Uint8Array, when: PutOptions["when"]): Promise<ObjectMeta> {
    return this.#alone(async () => {
      const current = await this.#objects.head(key)
      if (typeof when === "object" && (current === undefined || this.#told(current).version !== when.version)) {
        throw new BackendError("precondition", `412: ${key} has not the version ${when.version}`)
      }
      const condition = typeof when === "object" && current !== undefined ? { version: current.version } : when
      const meta = await this.#objects.put(key, [bytes], { when: condition as PutOptions["when"] })
      this.#sorted = undefined
      if (this.#contentVersions) this.#named.set(meta.version, createHash("md5").update(bytes).digest("hex"))
      return this.#told(meta)
    })
  }

  get(key: string, { range, ifVersion }: GetOptions): Promise<{ meta: ObjectMeta; bytes: Uint8Array } | undefined> {
    return this.#alone(async () => {
      const content = await this.#objects.get(key, { range })
      if (content === undefined) return undefined
      const meta = this.#told(content.meta)
      if (ifVersion !== undefined && ifVersion !== meta.version) {
        throw new BackendError("precondition", `412: ${key} has not the version ${ifVersion}`)
      }
      const chunks: Uint8Array[] = []
      for await (const chunk of content.body) chunks.push(chunk)
      return { meta, bytes: new Uint8Array(Buffer.concat(chunks)) }
    })
  }

  head(key: string): Promise<ObjectMeta | undefined> {
    return this.#alone(async () => {
      const meta = await this.#objects.head(key)
      return meta && this.#told(meta)
    })
  }

  /** The keys after `after`, as they are now, in the order of their bytes. */
  page(prefix: string, after: string, size: number): Promise<ObjectMeta[]> {
    return this.#alone(async () => {
      this.#sorted ??= await this.#inOrder()
      const [from, start] = [Buffer.from(after), Buffer.from(prefix)]
      const page: ObjectMeta[] = []
      for (const { name, meta } of this.#sorted) {
        if (page.length === size) break
        if (name.compare(from) > 0 && name.subarray(0, start.length).equals(start)) page.push(this.#told(meta))
      }
      return page
    })
  }

  async #inOrder(): Promise<{ name: Buffer; meta: ObjectMeta }[]> {
    const all: { name: Buffer; meta: ObjectMeta }[] = []
    for await (const meta of this.#objects.list("")) all.push({ name: Buffer.from(meta.key), meta })
    return all.sort((a, b) => a.name.compare(b.name))
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#alone(async () => {
      await this.#objects.delete(keys)
      this.#sorted = undefined
    })
  }

  startUpload(key: string): string {
    const id = `upload-${++this.#started}`
    this.uploads.set(id, { key, since: this.now(), parts: new Map() })
    return id
  }

  /** A part with the same number replaces the earlier part. */
  putPart(id: string, number: number, bytes: Uint8Array): void {
    const upload = this.#upload(id)
    upload.parts.set(number, bytes)
    upload.since = this.now()
  }

  async completeUpload(id: string, when: PutOptions["when"]): Promise<ObjectMeta> {
    const { key, parts } = this.#upload(id)
    const numbers = [...parts.keys()].sort((a, b) => a - b)
    const bytes = Buffer.concat(numbers.map((number) => parts.get(number) as Uint8Array))
    const meta = await this.put(key, new Uint8Array(bytes), when)
    this.uploads.delete(id)
    return meta
  }

  #upload(id: string): Upload {
    const upload = this.uploads.get(id)
    if (upload === undefined) throw new BackendError("precondition", `404: there is no upload ${id}`)
    return upload
  }

  #told(meta: ObjectMeta): ObjectMeta {
    return { ...meta, version: this.#named.get(meta.version) ?? meta.version }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work)
    this.#tail = result.catch(() => undefined)
    return result
  }
}
