import type { Checksums } from "../checksums.js"
import type { Content } from "../content.js"
import { invalid, noSuchBucket, noSuchObject, ServiceError } from "../errors.js"
import { SortedNames } from "../listing/sorted-names.js"
import type { Attributes } from "./attributes.js"
import { checkBucketName } from "./names.js"
import { checkPreconditions, type Preconditions } from "./preconditions.js"
import type { StoredObject } from "./stored-object.js"

export interface Bucket {
  readonly name: string
  readonly timeCreated: number
  readonly generation: number
  readonly objects: Map<string, StoredObject>
  readonly names: SortedNames
}

export interface NewObject extends Checksums {
  readonly name: string
  readonly content: Content
  readonly attributes: Attributes
}

/** All buckets and live objects. Every method checks and writes in one synchronous step. */
export class ObjectStore {
  readonly #buckets = new Map<string, Bucket>()
  readonly #now: () => number
  #lastGeneration = 0

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now
  }

  createBucket(name: string): Bucket {
    checkBucketName(name)
    if (this.#buckets.has(name)) {
      const message = "Your previous request to create the named bucket succeeded and you already own it."
      throw new ServiceError(409, "conflict", message)
    }
    const bucket = {
      name,
      timeCreated: this.#now(),
      generation: this.#nextGeneration(),
      objects: new Map<string, StoredObject>(),
      names: new SortedNames(),
    }
    this.#buckets.set(name, bucket)
    return bucket
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw noSuchBucket()
    return bucket
  }

  bucketNames(): string[] {
    return [...this.#buckets.keys()].sort()
  }

  deleteBucket(name: string): void {
    if (this.bucket(name).objects.size > 0) {
      throw new ServiceError(409, "conflict", "The bucket you tried to delete is not empty.")
    }
    this.#buckets.delete(name)
  }

  /** The object that is there now, without any condition. */
  peek(bucket: string, name: string): StoredObject | undefined {
    return this.bucket(bucket).objects.get(name)
  }

  /** @param generation the only one to find; older ones are gone, since there is no versioning */
  get(bucket: string, name: string, generation: bigint | undefined, preconditions: Preconditions): StoredObject {
    const object = this.#live(bucket, name, generation)
    checkPreconditions(preconditions, object, "read")
    return object
  }

  insert(bucketName: string, from: NewObject, preconditions: Preconditions): StoredObject {
    const bucket = this.bucket(bucketName)
    checkPreconditions(preconditions, bucket.objects.get(from.name), "write")
    const now = this.#now()
    const times = { timeCreated: now, updated: now }
    const object = { ...from, ...times, bucket: bucketName, generation: this.#nextGeneration(), metageneration: 1 }
    bucket.objects.set(from.name, object)
    bucket.names.add(from.name)
    return object
  }

  /** Replaces the attributes, not the content: the generation stays, the metageneration rises. */
  update(
    bucket: string,
    name: string,
    generation: bigint | undefined,
    preconditions: Preconditions,
    change: (attributes: Attributes) => Attributes,
  ): StoredObject {
    const before = this.#live(bucket, name, generation)
    checkPreconditions(preconditions, before, "write")
    const attributes = change(before.attributes)
    const after = { ...before, attributes, metageneration: before.metageneration + 1, updated: this.#now() }
    this.bucket(bucket).objects.set(name, after)
    return after
  }

  delete(bucketName: string, name: string, generation: bigint | undefined, preconditions: Preconditions): void {
    checkPreconditions(preconditions, this.#live(bucketName, name, generation), "write")
    const bucket = this.bucket(bucketName)
    bucket.objects.delete(name)
    bucket.names.delete(name)
  }

  #live(bucket: string, name: string, generation: bigint | undefined): StoredObject {
    if (generation !== undefined && generation <= 0n) throw invalid(`Invalid generation: ${generation}`)
    const object = this.peek(bucket, name)
    if (object === undefined || (generation !== undefined && generation !== BigInt(object.generation))) {
      throw noSuchObject(bucket, name)
    }
    return object
  }

  #nextGeneration(): number {
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, Math.trunc(this.#now() * 1000))
    return this.#lastGeneration
  }
}
