import { S3Client } from "@aws-sdk/client-s3"
import { expect, test } from "vitest"
import { requestError } from "../src/errors.js"
import { createManifest, openS3Store, S3Backend } from "../src/index.js"

const client = new S3Client({ region: "us-east-1" })
const bucket = "jobs"

const mistakes: readonly [argument: string, options: unknown, ...words: string[]][] = [
  ["openS3Store()", undefined, "openS3Store needs options: { bucket, … }"],
  ["null", null, "the options are null", "{ bucket, … }"],
  ["a bucket in place of options", bucket, 'the string "jobs"', "{ bucket, … }"],
  ["a client in place of options", client, "openS3Store: there is no option"],
  ["no bucket", {}, "bucket is missing"],
  ["bukcet", { bukcet: bucket }, "mean bucket?"],
  ["bucket: 7", { bucket: 7 }, "bucket is the number 7"],
  ["regoin", { bucket, regoin: "eu-west-1" }, "no option regoin", "mean region?"],
  ["endPoint", { bucket, endPoint: "http://h" }, "mean endpoint?"],
  ["endpoint: a URL object", { bucket, endpoint: new URL("http://h") }, "endpoint is"],
  ["pathStyle", { bucket, pathStyle: true }, "no option pathStyle"],
  ["forcePathStyle: 'yes'", { bucket, forcePathStyle: "yes" }, 'forcePathStyle is the string "yes"', "true or false"],
  ["partSize", { bucket, partSize: 1 }, "no option partSize", "partBytes"],
  ["partBytes: '8M'", { bucket, partBytes: "8M" }, 'partBytes is the string "8M"', "5 MiB"],
  ["client: the class", { bucket, client: S3Client }, "client is no S3Client (the class S3Client)", "new S3Client()"],
  ["client: {}", { bucket, client: {} }, "client is no S3Client (a plain object)"],
  ["client: null", { bucket, client: null }, "client is no S3Client (null)"],
  ["clientOptions: 1", { bucket, clientOptions: 1 }, "clientOptions is the number 1"],
  ["credential", { bucket, credential: {} }, "mean credentials?"],
  ["readonly", { bucket, readonly: true }, "mean readOnly?"],
  ["retain: { last: '3' }", { bucket, retain: { last: "3" } }, 'retain.last is the string "3"'],
  ["retry: { maxAttempts: 3 }", { bucket, retry: { maxAttempts: 3 } }, "retry.maxAttempts", "attempts"],
  ["backend", { bucket, backend: {} }, "no option backend"],
]

test.each(mistakes)("openS3Store: %s is CKPT_INVALID", async (_, options, ...words) => {
  const error: unknown = await openS3Store(options as never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: "CheckpointError", code: "CKPT_INVALID" })
  for (const word of words) expect((error as Error).message).toContain(word)
})

test.each([
  [undefined, "client is missing"],
  [{ client }, "bucket is missing"],
  [{ client, bucket, partbytes: 1 }, "mean partBytes?"],
  [{ client: S3Client, bucket }, "the class S3Client"],
])("new S3Backend(%#) is CKPT_INVALID", (options, word) => {
  const invalid = expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringContaining(word) })
  expect(() => new S3Backend(options as never)).toThrow(invalid)
})

test.each(["ENOTFOUND", "EPROTO"])("%s of an endpoint is not tried again", async (code) => {
  const failing = new S3Client({ region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } })
  let sent = 0
  failing.send = () => {
    sent++
    return Promise.reject(
      Object.assign(new Error(code), { code, syscall: code === "EPROTO" ? "write" : "getaddrinfo" }),
    )
  }
  await using store = await openS3Store({ bucket, client: failing })
  const error = await store.ids().catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: "CKPT_IO", retryable: false, message: expect.stringMatching(/endpoint/) })
  expect(sent).toBe(1)
  await expect(store.save(createManifest({ checkpointId: 1, epoch: 1 }))).rejects.toMatchObject({ retryable: false })
})

test.each([
  ["NoSuchBucket", 404, "denied"],
  ["AccessDenied", 403, "denied"],
  ["QuotaExceeded", 403, "full"],
  ["XMinioStorageFull", 507, "full"],
])("%s is %s %s", (Code, httpStatusCode, kind) => {
  const error = { name: Code, Code, message: Code, $metadata: { httpStatusCode } }
  expect(requestError(error, { operation: "PutObject", bucket, key: "k" }).kind).toBe(kind)
})
