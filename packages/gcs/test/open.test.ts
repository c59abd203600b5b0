import { describe, expect, inject, test } from "vitest"
import { BackendError, CheckpointError, createManifest, type GcsStoreOptions, openGcsStore } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

const invalid: [what: string, options: unknown, says: RegExp][] = [
  ["no bucket", {}, /bucket is missing/],
  ["an empty bucket", { bucket: "" }, /bucket is missing/],
  ["a URL", { bucket: "gs://jobs" }, /"gs:\/\/jobs".*without "gs:\/\/"/],
  ["a path", { bucket: "jobs/team" }, /what comes after it is the prefix/],
  ["capital letters", { bucket: "Jobs" }, /lower-case/],
  ["two letters", { bucket: "jo" }, /at least three/],
  [
    "a client and its options",
    {
      bucket: "jobs",
      client: clients["@google-cloud/storage 7"]("http://localhost"),
      projectId: "p",
      keyFilename: "k",
    },
    /client and projectId, keyFilename/,
  ],
  ["what is no client", { bucket: "jobs", client: {} }, /no Storage client/],
  ["chunks of odd length", { bucket: "jobs", chunkBytes: 1_000_000 }, /multiple of 262144/],
  ["no chunks", { bucket: "jobs", chunkBytes: 0 }, /multiple of 262144/],
  ["a prefix that climbs out", { bucket: "jobs", projectId: "p", prefix: "../" }, /prefix/],
]

test.each(invalid)("refuses %s", async (_, options, says) => {
  const error: unknown = await openGcsStore(options as GcsStoreOptions).catch((reason) => reason)
  expect(error).toBeInstanceOf(CheckpointError)
  expect(error).toMatchObject({ code: "CKPT_INVALID", message: expect.stringMatching(says) })
})

test("a store by the client's options", async () => {
  const bucket = await newBucket()
  const options = { bucket, prefix: "team/job", apiEndpoint: inject("endpoint"), projectId: "test" }
  const store = await openGcsStore(options)
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: Buffer.from("state") })
  await store.close()
  const again = await openGcsStore({ ...options, readOnly: true })
  expect((await again.loadLatest())?.checkpointId).toBe(1)
  await again.close()
})

test("STORAGE_EMULATOR_HOST, with the path that this client's library needs or without it", async () => {
  const bucket = await newBucket()
  const before = process.env["STORAGE_EMULATOR_HOST"]
  try {
    for (const [index, path] of ["", "/storage/v1", "/storage/v1/"].entries()) {
      process.env["STORAGE_EMULATOR_HOST"] = `${inject("endpoint")}${path}`
      const store = await openGcsStore({ bucket, projectId: "test" })
      await store.save(createManifest({ checkpointId: index + 1, epoch: 1 }))
      await store.close()
    }
  } finally {
    if (before === undefined) delete process.env["STORAGE_EMULATOR_HOST"]
    else process.env["STORAGE_EMULATOR_HOST"] = before
  }
})

describe.each(Object.entries(clients))("%s", (_, newClient) => {
  test("a client that was given is of use after the store is closed", async () => {
    const bucket = await newBucket()
    const client = newClient(inject("endpoint"))
    for (const id of [1, 2]) {
      const store = await openGcsStore({ bucket, client })
      await store.save(createManifest({ checkpointId: id, epoch: 1 }))
      await store.close()
    }
    const [files] = await client.bucket(bucket).getFiles({ prefix: "manifests/manifest-" })
    expect(files.map(({ name }) => name)).toEqual(["manifests/manifest-000001.json", "manifests/manifest-000002.json"])
  })

  test("a bucket that does not exist", async () => {
    const store = await openGcsStore({ bucket: "no-such-bucket", client: newClient(inject("endpoint")) })
    const calls = {
      ids: () => store.ids(),
      save: () => store.save(createManifest({ checkpointId: 1, epoch: 1 })),
      load: () => store.load(1),
    }
    for (const call of Object.values(calls)) {
      const error = await call().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: "CKPT_DENIED", retryable: false })
      expect(String(error)).toMatch(
        /no-such-bucket.*does not exist.*gcloud storage buckets create gs:\/\/no-such-bucket/,
      )
      expect((error as CheckpointError).cause).toBeInstanceOf(BackendError)
    }
    await store.close()
  })
})

test("options are typed", () => {
  const options: GcsStoreOptions[] = [
    { bucket: "jobs", keyFilename: "key.json", retain: { last: 3 } },
    { bucket: "jobs", credentials: { client_email: "a@b", private_key: "k" }, userProject: "payer" },
    // @ts-expect-error retries are the store's
    { bucket: "jobs", retryOptions: { autoRetry: true } },
    // @ts-expect-error so are time-outs
    { bucket: "jobs", timeout: 1000 },
    // @ts-expect-error a bucket is needed
    { keyFilename: "key.json" },
  ]
  expect(options).toHaveLength(5)
})
