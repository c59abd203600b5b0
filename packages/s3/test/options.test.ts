import { S3Client } from "@aws-sdk/client-s3"
import { CheckpointError } from "@ckpt/core"
import { describe, expect, expectTypeOf, test } from "vitest"
import { type CheckpointStore, type LeaderStore, openS3Store, S3Backend, type S3StoreOptions } from "../src/index.js"

const client = new S3Client({ region: "us-east-1" })

async function refused(options: unknown): Promise<string> {
  const error: unknown = await openS3Store(options as S3StoreOptions).then(
    () => undefined,
    (failure) => failure,
  )
  expect(error).toBeInstanceOf(CheckpointError)
  expect((error as CheckpointError).code).toBe("CKPT_INVALID")
  return (error as CheckpointError).message
}

describe("options that cannot be used say what to give", () => {
  test.each([
    [{}, "bucket is missing"],
    [{ bucket: "" }, "bucket is missing"],
    [{ bucket: 7 }, "bucket is the number 7"],
    [{ bucket: "s3://jobs" }, 'give bucket: "jobs".'],
    [{ bucket: "s3://jobs/team/a" }, 'give bucket: "jobs" and prefix: "team/a".'],
    [{ bucket: "jobs/team" }, "belongs in prefix"],
    [{ bucket: "jobs", endpoint: "localhost:9000" }, '"https://host:9000"'],
    [{ bucket: "jobs", endpoint: "http://" }, '"https://host:9000"'],
    [{ bucket: "jobs", client, region: "eu-west-1" }, "client and region were both given"],
    [{ bucket: "jobs", client, endpoint: "http://h", forcePathStyle: true }, "client and endpoint, forcePathStyle"],
    [{ bucket: "jobs", client, credentials: {}, clientOptions: {} }, "client and credentials, clientOptions"],
    [{ bucket: "jobs", partBytes: 5 * 1024 * 1024 - 1 }, "5 MiB"],
    [{ bucket: "jobs", partBytes: 2 * 1024 ** 3 + 1 }, "2 GiB"],
    [{ bucket: "jobs", client: {} }, "client is no S3Client"],
    [{ bucket: "jobs", partBytes: 1e7 + 0.5 }, "partBytes"],
    [{ bucket: "jobs", prefix: "../up" }, "prefix"],
  ])("%o", async (options, text) => {
    expect(await refused({ ...options })).toContain(text)
  })
})

test("opening makes no request, and closing leaves a given client open", async () => {
  const calls: string[] = []
  class Watched extends S3Client {
    override destroy(): void {
      calls.push("destroy")
    }
  }
  const given = new Watched({ region: "us-east-1" })
  given.send = () => {
    calls.push("send")
    return Promise.reject(new Error("no request was expected"))
  }
  const store = await openS3Store({ bucket: "jobs", prefix: "a", client: given })
  await store.close()
  await new S3Backend({ client: given, bucket: "jobs" })[Symbol.asyncDispose]()
  expect(calls).toEqual([])
  await new S3Backend({ client: given, bucket: "jobs", ownsClient: true })[Symbol.asyncDispose]()
  expect(calls).toEqual(["destroy"])
})

test("an access point's ARN is a bucket", async () => {
  const bucket = "arn:aws:s3:eu-west-1:123456789012:accesspoint/jobs"
  await (await openS3Store({ bucket, region: "eu-west-1" })).close()
})

test("the options are typed", () => {
  const open = (options: S3StoreOptions) => openS3Store(options)
  expectTypeOf(open).returns.resolves.toEqualTypeOf<CheckpointStore>()
  const lead = (options: S3StoreOptions & { claim: true }) => openS3Store(options)
  expectTypeOf(lead).returns.resolves.toEqualTypeOf<LeaderStore>()
  expectTypeOf<S3StoreOptions>().toHaveProperty("retain")
  // @ts-expect-error a store needs a bucket
  expectTypeOf<{ region: string }>().toExtend<S3StoreOptions>()
  expectTypeOf<{ bucket: string; client: S3Client }>().toExtend<S3StoreOptions>()
  expectTypeOf<{ bucket: string; region: undefined; credentials: undefined }>().toExtend<S3StoreOptions>()
})
