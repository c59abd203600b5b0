import { readFile } from "node:fs/promises"
import { fromUrl as fromAzureUrl } from "@ckpt/azure"
import { createManifest, openCheckpointStore, type StoragePlace } from "@ckpt/core"
import { fromUrl as fromFsUrl } from "@ckpt/fs"
import { fromUrl as fromGcsUrl } from "@ckpt/gcs"
import { fromUrl as fromS3Url } from "@ckpt/s3"
import { expect, test } from "vitest"
import { ckpt, objects } from "./ckpt.js"
import { flagsOf, type Place, storages } from "./storages.js"

/** An application's own function, for each storage, with the options that stand for the flags. */
const fromUrl: Record<string, (place: Place) => Promise<StoragePlace>> = {
  "file:": ({ url }) => fromFsUrl(url),
  "s3:": async ({ url, flags: { endpoint, region, credentials = "" } }) =>
    fromS3Url(url, { endpoint, region, forcePathStyle: true, credentials: await jsonOf(credentials) }),
  "az:": async ({ url, flags: { endpoint, credentials = "" } }) =>
    fromAzureUrl(url, { accountUrl: endpoint, ...(await jsonOf(credentials)) }),
  "gs:": ({ url, flags: { endpoint = "" } }) => fromGcsUrl(url, { apiEndpoint: endpoint, projectId: "test" }),
}

async function jsonOf(file: string) {
  return JSON.parse(await readFile(file, "utf8"))
}

test.each(storages.filter(({ name, runs }) => runs && name in fromUrl))(
  "the command finds what an application saved by the same URL: $name",
  async ({ name, newPlace }) => {
    const place = await newPlace()
    const at = await fromUrl[name]?.(place)
    if (at === undefined) throw new Error(`${name} has no URL`)
    await using store = await openCheckpointStore(at)
    await store.save(createManifest({ checkpointId: 7, epoch: 1 }), { state: Buffer.from("state") })
    for (const url of [place.url, `${place.url}/`]) {
      const verified = await ckpt(["verify", url, "7", "--json", ...flagsOf(place)])
      expect(objects(verified)[0]).toMatchObject({ type: "verdict", id: 7, valid: true })
    }
    const neighbour = await ckpt(["ls", `${place.url}-1`, "--json", ...flagsOf(place)])
    expect(objects(neighbour)).toEqual([])
  },
)
