import { describe, expect, test } from "vitest"
import { azure } from "./clouds/azure.js"
import { besideSdk } from "./clouds/beside-sdk.js"
import { gcs } from "./clouds/gcs.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { s3 } from "./clouds/s3.js"
import { longState, manifestOf, stateOf } from "./faults/operations.js"

const sdks = [
  {
    cloud: s3,
    sdk: "@aws-sdk/client-s3",
    lowest: { folder: "client-s3-lowest", version: "3.729.0" },
    newest: "@aws-sdk/client-s3",
    tooOld: { folder: "client-s3-too-old", version: "3.726.1" },
  },
  {
    cloud: azure,
    sdk: "@azure/storage-blob",
    lowest: { folder: "storage-blob-lowest", version: "12.26.0" },
    newest: "@azure/storage-blob",
    tooOld: { folder: "storage-blob-too-old", version: "12.25.0" },
  },
  {
    cloud: gcs,
    sdk: "@google-cloud/storage",
    lowest: { folder: "google-cloud-storage-lowest", version: "7.15.0" },
    newest: "google-cloud-storage-8",
    tooOld: { folder: "google-cloud-storage-too-old", version: "7.14.0" },
  },
]

async function* inParts() {
  yield longState
}

describe.each(sdks)("$sdk", ({ cloud, sdk, lowest, newest, tooOld }) => {
  test.each([lowest.folder, newest])("%s saves, sends parts, updates, claims, prunes and collects", async (folder) => {
    await using beside = await besideSdk(cloud.name, sdk, folder)
    if (folder === lowest.folder) expect(beside.version).toBe(lowest.version)
    await using at = await ProxiedBucket.create({
      ...cloud,
      openStore: (place, options) => beside.open({ ...cloud.options(place), ...options }),
    })
    const store = await at.open()
    const window = stateOf(1)

    await store.save(manifestOf(1), { operators: { window } })
    await store.save(manifestOf(2), { state: inParts() })
    const sent = at.seen().filter(({ key }) => key === "checkpoints/state-000002.bin")
    expect(sent.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["part", "completion"]))
    await store.pin(1, "first")
    await store.update(2, (current) => ({ ...current, watermark: 7n }))

    const leader = await store.claim()
    await leader.save(manifestOf(4), { state: longState.subarray(0, 1000) })
    await expect(store.save(manifestOf(5))).rejects.toMatchObject({ code: "CKPT_FENCED" })
    const found = await leader.recover({ depth: "deep" })
    expect(found.checkpoint?.id).toBe(4)
    expect((await leader.load(2))?.watermark).toBe(7n)
    expect(Buffer.compare((await (await leader.readState(2))?.bytes()) ?? window, longState)).toBe(0)

    await at.plant("checkpoints/state-000003.bin", "an orphan")
    expect((await leader.prune({ last: 1 })).removed).toEqual([2])
    const { removed, failures } = await leader.collectOrphans({ olderThanMs: 0 })
    expect({ removed, failures }).toEqual({ removed: ["checkpoints/state-000003.bin"], failures: [] })
    expect(await leader.ids()).toEqual([1, 4])
    expect(Buffer.compare(await (await leader.open({ pin: "first" })).operator("window"), window)).toBe(0)
    await leader.close()
  })

  test("one below the range is CKPT_UNSUPPORTED with both versions", async () => {
    await using beside = await besideSdk(cloud.name, sdk, tooOld.folder)
    const error = await beside.open(cloud.options({ endpoint: "http://127.0.0.1:1", bucket: "jobs" })).catch((e) => e)
    expect(error).toMatchObject({ code: "CKPT_UNSUPPORTED" })
    expect(error.message).toContain(`${sdk} ${tooOld.version} is too old; ${lowest.version} or newer is needed`)
  })
})
