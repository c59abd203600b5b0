import { readFile } from "node:fs/promises"
import { CreateMultipartUploadCommand, PutBucketPolicyCommand } from "@aws-sdk/client-s3"
import { beforeAll, describe, expect, test } from "vitest"
import { type CheckpointStore, createManifest, openS3Store, S3Backend } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverClient } from "./storage.js"

interface Policy {
  Statement: { Action: string | string[]; Principal?: string }[]
}

const prefix = "jobs/orders/"
let readme: string
beforeAll(async () => {
  readme = await readFile(new URL("../README.md", import.meta.url), "utf8")
})

/** Puts the README's policy on a bucket, for anonymous callers: they have these rights and no others. */
async function grant(bucket: string, without?: string): Promise<void> {
  const policy: Policy = JSON.parse((/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? "").replaceAll("my-bucket", bucket))
  for (const statement of policy.Statement) {
    statement.Principal = "*"
    statement.Action = [statement.Action].flat().filter((action) => action !== without)
  }
  policy.Statement = policy.Statement.filter(({ Action }) => Action.length > 0)
  await serverClient().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }))
}

/** Requests without a signature. */
function nameless() {
  return serverClient({ signer: { sign: async (request) => request } })
}

function open(bucket: string): Promise<CheckpointStore> {
  return openS3Store({ client: nameless(), bucket, prefix, partBytes, retry: { minDelayMs: 0 } })
}

const large = async function* () {
  yield new Uint8Array(partBytes)
  yield new Uint8Array(10)
}

const operations: Record<string, (store: CheckpointStore) => Promise<unknown>> = {
  save: (store) => store.save(createManifest({ checkpointId: 7, epoch: 7 }), { state: large() }),
  update: (store) => store.update(3, (manifest) => ({ ...manifest, watermark: 5n })),
  recover: (store) => store.recover({ depth: "deep" }),
  prune: async (store) => {
    const { failures } = await store.prune({ last: 1 })
    if (failures[0] !== undefined) throw failures[0].error
  },
  remove: (store) => store.remove(2),
  collectOrphans: async (store) => {
    const { failures } = await store.collectOrphans({ olderThanMs: 0 })
    if (failures[0] !== undefined) throw failures[0].error
  },
}

/** Three checkpoints, a state without a manifest, and an unfinished upload: each operation has something to do. */
async function filled(): Promise<string> {
  const bucket = await newBucket()
  const client = serverClient()
  const backend = new S3Backend({ client, bucket })
  await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${prefix}checkpoints/state-000001.bin` }))
  const begun = Date.now()
  const store = await openS3Store({ client, bucket, prefix })
  await store.writeState(1, new Uint8Array(1))
  for (const id of [2, 3, 4])
    await store.save(createManifest({ checkpointId: id, epoch: id }), { state: new Uint8Array(id) })
  await store.close()
  // The storage's time has whole seconds: until the next second begins, the upload lies in the future.
  while ((await backend.now()).getTime() < begun);
  return bucket
}

describe.runIf(hasServer)("the README's policy", () => {
  test("is enough for everything", async () => {
    const bucket = await filled()
    await grant(bucket)
    const store = await open(bucket)
    for (const [name, run] of Object.entries(operations)) {
      await run(store).catch((error) => expect.fail(`${name}: ${error.message}`))
    }
    expect(await store.recover()).toMatchObject({ outcome: "recovered", checkpoint: { id: 7 } })
    await store.close()
    const all = new S3Backend({ client: serverClient(), bucket })
    expect(await all.leftovers({ olderThanMs: -60_000, prefix: "", dryRun: true })).toEqual([])
  })

  test("is for its prefix alone", async () => {
    const bucket = await filled()
    await grant(bucket)
    const store = await openS3Store({ client: nameless(), bucket, prefix: "jobs/bills/" })
    const denied = { code: "CKPT_DENIED" }
    await expect(store.save(createManifest({ checkpointId: 1, epoch: 1 }))).rejects.toMatchObject(denied)
    await expect(store.recover()).rejects.toMatchObject(denied)
    await store.close()
  })

  test.each([
    ["s3:GetObject", ["recover", "update", "prune"]],
    ["s3:PutObject", ["save", "update", "prune"]],
    ["s3:DeleteObject", ["prune", "remove", "collectOrphans"]],
    ["s3:ListBucket", ["recover", "prune", "collectOrphans"]],
    ["s3:ListBucketMultipartUploads", ["collectOrphans"]],
    ["s3:AbortMultipartUpload", ["collectOrphans"]],
    ["s3:ListMultipartUploadParts", ["collectOrphans"]],
  ])("without %s, %j say so", async (action, names) => {
    const bucket = await filled()
    await grant(bucket, action)
    const store = await open(bucket)
    for (const name of names) {
      const error = await operations[name]?.(store).then(
        () => expect.fail(`${name} succeeded`),
        (failure) => failure,
      )
      expect(error.message, name).toContain(`Allow ${action} on arn:aws:s3:::${bucket}`)
    }
    await store.close()
  })

  test("read-only, it needs no more than GetObject and ListBucket", async () => {
    const bucket = await filled()
    const allowed = [
      { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/*` },
      { Effect: "Allow", Principal: "*", Action: "s3:ListBucket", Resource: `arn:aws:s3:::${bucket}` },
    ]
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: allowed })
    await serverClient().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    const store = await openS3Store({ client: nameless(), bucket, prefix, readOnly: true })
    expect(await store.recover({ depth: "deep" })).toMatchObject({ outcome: "recovered", checkpoint: { id: 4 } })
    expect(await store.ids()).toEqual([2, 3, 4])
    await store.close()
  })
})
