import { Storage } from "@google-cloud/storage"
import { expect, test } from "vitest"
import { networkError, refusalError } from "../src/errors.js"
import { GcsBackend, openGcsStore } from "../src/index.js"

const bucket = "jobs"
const client = new Storage({ projectId: "p", apiEndpoint: "http://127.0.0.1:1" })

const mistakes: readonly [argument: string, options: unknown, ...words: string[]][] = [
  ["openGcsStore()", undefined, "openGcsStore needs options: { bucket, … }"],
  ["null", null, "the options are null"],
  ["a bucket in place of options", bucket, 'the string "jobs"', "{ bucket, … }"],
  ["no bucket", { projectId: "p" }, "bucket is missing"],
  ["bucket: 7", { bucket: 7 }, "bucket is the number 7"],
  ["projectID", { bucket, projectID: "p" }, "mean projectId?"],
  ["keyFileName", { bucket, keyFileName: "k" }, "mean keyFilename?"],
  ["apiEndPoint", { bucket, apiEndPoint: "http://h" }, "mean apiEndpoint?"],
  ["retryOptions", { bucket, retryOptions: {} }, "retry: { attempts"],
  ["timeout", { bucket, timeout: 1 }, "timeoutMs"],
  ["client: the class", { bucket, client: Storage }, "no Storage client (the class Storage)", "new Storage()"],
  ["client: {}", { bucket, client: {} }, "no Storage client (a plain object)"],
  ["client: null", { bucket, client: null }, "no Storage client (null)"],
  ["chunkBytes: '8M'", { bucket, chunkBytes: "8M" }, 'chunkBytes is the string "8M"', "262144"],
  ["chunkSize", { bucket, chunkSize: 1 }, "no option chunkSize"],
  ["userProject: 7", { bucket, userProject: 7 }, "userProject is the number 7"],
  ["readonly", { bucket, readonly: true }, "mean readOnly?"],
  ["retain: { last: 3, evry: 2 }", { bucket, retain: { last: 3, evry: 2 } }, "mean retain.every?"],
  ["signal", { bucket, signal: 1 }, "signal is the number 1"],
]

test.each(mistakes)("openGcsStore: %s is CKPT_INVALID", async (_, options, ...words) => {
  const error: unknown = await openGcsStore(options as never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: "CheckpointError", code: "CKPT_INVALID" })
  for (const word of words) expect((error as Error).message).toContain(word)
})

test.each([
  [{}, "client is missing"],
  [{ client }, "bucket is missing"],
  [{ client, bucket, chunkbytes: 1 }, "mean chunkBytes?"],
  [{ client: Storage, bucket }, "the class Storage"],
])("new GcsBackend(%#) is CKPT_INVALID", (options, word) => {
  const invalid = expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringContaining(word) })
  expect(() => new GcsBackend(options as never)).toThrow(invalid)
})

const attempted = { permission: "storage.objects.create", bucket, key: "k", write: true } as const
const refusal = { retryAfter: null, isCut: false }

test.each([
  [404, "notFound", "The specified bucket does not exist.", "denied"],
  [403, "forbidden", "does not have storage.objects.create access", "denied"],
  [403, "quotaExceeded", "the quota is used up", "full"],
])("%i %s is %s", (status, reason, message, kind) => {
  expect(refusalError(attempted, { ...refusal, status, reason, message }).kind).toBe(kind)
})

test.each([
  ["ENOTFOUND", "permanent"],
  ["EPROTO", "permanent"],
  ["ECONNRESET", "ambiguous"],
])("%s is %s", (code, kind) => {
  expect(networkError(attempted, Object.assign(new Error(code), { code })).kind).toBe(kind)
})
