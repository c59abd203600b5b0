import type { S3Client } from "@aws-sdk/client-s3"
import { expect, test } from "vitest"
import { S3Backend } from "../src/index.js"

/** A client of a bucket that lists two pages, and its requests. */
function listing(pages: readonly (readonly string[])[]) {
  const inputs: Record<string, unknown>[] = []
  const client = {
    config: {},
    destroy() {},
    async send({ input }: { input: Record<string, unknown> }) {
      inputs.push(input)
      const at = Number(input["ContinuationToken"] ?? 0)
      const Contents = pages[at]?.map((Key) => ({ Key, Size: 1, ETag: `"${Key}"`, LastModified: new Date(0) }))
      const isLast = at === pages.length - 1
      return { Contents, IsTruncated: !isLast, ...(!isLast && { NextContinuationToken: String(at + 1) }) }
    },
  }
  return { inputs, client: client as unknown as S3Client }
}

async function keysOf(bucket: string, client: S3Client, range: object): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of new S3Backend({ client, bucket }).list("t/", range)) keys.push(key)
  return keys
}

test("a range asks for no more than its limit, from its start, and for no page behind its last entry", async () => {
  const { client, inputs } = listing([["t/b", "t/c"], ["t/d"]])
  expect(await keysOf("bucket", client, { after: "t/a", limit: 2 })).toEqual(["t/b", "t/c"])
  expect(inputs).toHaveLength(1)
  expect(inputs[0]).toMatchObject({ Prefix: "t/", StartAfter: "t/a", MaxKeys: 2 })
  expect(await keysOf("bucket", client, { limit: 5000 })).toEqual(["t/b", "t/c", "t/d"])
  expect(inputs[1]).toMatchObject({ StartAfter: undefined, MaxKeys: 1000 })
})

test("a directory bucket, which has no order and refuses a start, is listed whole and sorted", async () => {
  const { client, inputs } = listing([
    ["t/d", "t/a"],
    ["t/c", "t/b"],
  ])
  expect(await keysOf("bucket--usw2-az1--x-s3", client, { after: "t/a", limit: 2 })).toEqual(["t/b", "t/c"])
  expect(inputs).toHaveLength(2)
  for (const input of inputs) expect(input).toMatchObject({ StartAfter: undefined, MaxKeys: undefined })
})
