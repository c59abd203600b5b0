import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob"
import { expect, vi } from "vitest"
import { type AzureStoreOptions, createManifest, openAzureStore } from "../src/index.js"
import { startRelay } from "./relay.js"
import { azureAccount, connectionStringAt, newContainer, test } from "./storage.js"

test("every way to name the account leads to the same store", async () => {
  const { connectionString, blobEndpoint, accountName, accountKey } = azureAccount()
  const container = await newContainer()
  const name = container.containerName
  const credential = new StorageSharedKeyCredential(accountName, accountKey)
  const permissions = ContainerSASPermissions.parse("racwdl")
  const expiresOn = new Date(Date.now() + 3_600_000)
  const sas = generateBlobSASQueryParameters({ containerName: name, permissions, expiresOn }, credential)
  vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", connectionString)
  const ways: AzureStoreOptions[] = [
    { container: name },
    { container: name, connectionString },
    { client: container },
    { client: BlobServiceClient.fromConnectionString(connectionString), container: name },
    { container: name, accountUrl: blobEndpoint, credential },
    { container: name, accountUrl: `${blobEndpoint}/?${sas}` },
  ]
  for (const [index, way] of ways.entries()) {
    const store = await openAzureStore({ ...way, prefix: "a/b" })
    const id = index + 1
    await store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: new Uint8Array([id]) })
    expect((await store.recover()).checkpoint?.id).toBe(id)
    await store.prune({ last: 1 })
    expect(await store.ids()).toEqual([id])
    await store.close()
  }
  vi.unstubAllEnvs()
  await container[Symbol.asyncDispose]()
})

test("opening makes no request, and closing closes the sockets", async () => {
  const container = await newContainer()
  const relay = await startRelay(azureAccount().blobEndpoint)
  const connectionString = connectionStringAt(relay.endpoint)
  const store = await openAzureStore({ container: container.containerName, connectionString })
  expect(relay.opened).toBe(0)
  expect(await store.ids()).toEqual([])
  expect(await store.loadLatest()).toBeUndefined()
  expect(relay.opened - relay.closed).toBeGreaterThan(0)
  await store.close()
  await relay.allClosed()
  expect(relay.closed).toBe(relay.opened)
  await relay.stop()
  await container[Symbol.asyncDispose]()
})

test("a client that was given stays open, and only its own retries are used", async () => {
  const container = await newContainer()
  const store = await openAzureStore({ client: container })
  await store.close()
  expect(await container.exists()).toBe(true)
  await container[Symbol.asyncDispose]()
})
