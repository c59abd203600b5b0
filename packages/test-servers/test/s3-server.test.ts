import { randomUUID } from "node:crypto"
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"

const server = inject("s3")
const MiB = 1024 * 1024

describe.skipIf(server === undefined)("S3", () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = server!
  const client = new S3Client({
    ...{ endpoint, region, forcePathStyle: true, maxAttempts: 1 },
    credentials: { accessKeyId, secretAccessKey },
  })
  const Bucket = `ckpt-${randomUUID()}`

  beforeAll(async () => void (await client.send(new CreateBucketCommand({ Bucket }))))
  afterAll(() => client.destroy())

  const put = (Key: string, Body: string, conditions: { IfNoneMatch?: "*"; IfMatch?: string } = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...conditions }))
  const text = async (Key: string, Range?: string): Promise<string> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range === undefined ? {} : { Range }) }))
    return Body!.transformToString()
  }
  const upload = async (Key: string, contents: readonly Uint8Array[]) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const Parts = []
    for (const [index, Body] of contents.entries()) {
      const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body }
      const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part))
      Parts.push({ ETag, ChecksumCRC32, PartNumber: index + 1 })
    }
    return { Bucket, Key, UploadId, MultipartUpload: { Parts } }
  }
  const status = (action: Promise<unknown>): Promise<number | undefined> =>
    action.then(
      () => 200,
      (error) => (error as S3ServiceException).$metadata.httpStatusCode,
    )

  test("of 32 that create one key at once, one wins", async () => {
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, n) => status(put("race", `writer ${n}`, { IfNoneMatch: "*" }))),
    )
    expect(answers.filter((answer) => answer === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer !== 200).every((answer) => answer === 412 || answer === 409)).toBe(true)
    expect(await text("race")).toBe(`writer ${answers.indexOf(200)}`)
  })

  test("replaces only the version that is named", async () => {
    const first = await put("swap", "1")
    const second = await put("swap", "2", { IfMatch: first.ETag! })
    expect(await status(put("swap", "3", { IfMatch: first.ETag! }))).toBe(412)
    expect(await text("swap")).toBe("2")
    expect(await status(put("swap", "4", { IfMatch: second.ETag! }))).toBe(200)
  })

  test("reads a range and refuses one beyond the end", async () => {
    await put("range", "0123456789")
    expect(await text("range", "bytes=2-4")).toBe("234")
    expect(await status(text("range", "bytes=10-"))).toBe(416)
  })

  test("lists in pages, in order, by prefix", async () => {
    const keys = Array.from({ length: 25 }, (_, n) => `list/${String(n).padStart(3, "0")}`)
    await Promise.all([...keys, "listless"].map((key) => put(key, key)))
    const found: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = { Bucket, Prefix: "list/", MaxKeys: 10, ...(ContinuationToken ? { ContinuationToken } : {}) }
      const answer = await client.send(new ListObjectsV2Command(page))
      found.push(...(answer.Contents ?? []).map(({ Key }) => Key!))
      ContinuationToken = answer.NextContinuationToken
    } while (ContinuationToken)
    expect(found).toEqual(keys)
  })

  test("puts together parts of 5 MiB and a small last one", async () => {
    const parts = [new Uint8Array(5 * MiB).fill(1), new Uint8Array(5 * MiB).fill(2), new Uint8Array(10).fill(3)]
    await client.send(new CompleteMultipartUploadCommand(await upload("parts", parts)))
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "parts" }))
    expect(Buffer.concat(parts).equals(await Body!.transformToByteArray())).toBe(true)
  })

  test("takes one part that is small, and refuses a small one that is not the last", async () => {
    await client.send(new CompleteMultipartUploadCommand(await upload("small", [Buffer.from("small")])))
    expect(await text("small")).toBe("small")
    const tooSmall = await upload("too-small", [Buffer.from("small"), Buffer.from("last")])
    expect(await status(client.send(new CompleteMultipartUploadCommand(tooSmall)))).toBe(400)
  })

  test("holds the conditions of a completion", async () => {
    const { ETag } = await put("complete", "1")
    const complete = async (conditions: { IfNoneMatch?: "*"; IfMatch?: string }) => {
      const parts = await upload("complete", [Buffer.from("2")])
      return status(client.send(new CompleteMultipartUploadCommand({ ...parts, ...conditions })))
    }
    expect(await complete({ IfNoneMatch: "*" })).toBe(412)
    expect(await text("complete")).toBe("1")
    expect(await complete({ IfMatch: ETag! })).toBe(200)
    expect(await complete({ IfMatch: ETag! })).toBe(412)
    expect(await text("complete")).toBe("2")
  })

  test("of 8 that complete one key at once, one wins", async () => {
    const uploads = await Promise.all(
      Array.from({ length: 8 }, (_, n) => upload("finish", [Buffer.from(`writer ${n}`)])),
    )
    const answers = await Promise.all(
      uploads.map((parts) => status(client.send(new CompleteMultipartUploadCommand({ ...parts, IfNoneMatch: "*" })))),
    )
    expect(answers.filter((answer) => answer === 200)).toHaveLength(1)
    expect(await text("finish")).toBe(`writer ${answers.indexOf(200)}`)
  })

  test("lists unfinished uploads and forgets those that are aborted", async () => {
    const { UploadId } = await upload("abort/one", [Buffer.from("1")])
    const unfinished = async () => {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "abort/" }))
      return Uploads?.map((found) => found.UploadId) ?? []
    }
    expect(await unfinished()).toEqual([UploadId])
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: "abort/one", UploadId }))
    expect(await unfinished()).toEqual([])
  })

  test("removes", async () => {
    await put("gone", "1")
    await client.send(new DeleteObjectCommand({ Bucket, Key: "gone" }))
    expect(await status(client.send(new HeadObjectCommand({ Bucket, Key: "gone" })))).toBe(404)
  })

  test("has room for more buckets than an account has by default", async () => {
    const names = Array.from({ length: 1100 }, (_, n) => `${Bucket}-${n}`)
    for (let at = 0; at < names.length; at += 20) {
      await Promise.all(names.slice(at, at + 20).map((name) => client.send(new CreateBucketCommand({ Bucket: name }))))
    }
  })
})
