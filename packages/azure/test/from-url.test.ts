import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob"
import { afterEach, expect, vi } from "vitest"
import {
  type AzureUrlOptions,
  createManifest,
  fromUrl,
  openAzureStore,
  openCheckpointStore,
  openObjects,
} from "../src/index.js"
import { azureAccount, newContainer, test } from "./storage.js"

afterEach(() => vi.unstubAllEnvs())

const manifest = createManifest({ checkpointId: 1, epoch: 1 })

/** A signature for one container, which `DefaultEndpointsProtocol=http` needs no https for. */
function sasToken(containerName: string): string {
  const { accountName, accountKey } = azureAccount()
  const permissions = ContainerSASPermissions.parse("racwdl")
  const expiresOn = new Date(Date.now() + 60 * 60 * 1000)
  const credential = new StorageSharedKeyCredential(accountName, accountKey)
  return generateBlobSASQueryParameters({ containerName, permissions, expiresOn }, credential).toString()
}

/** Every way to reach the account. */
const ways: Record<string, (containerName: string) => AzureUrlOptions> = {
  "a connection string": () => ({ connectionString: azureAccount().connectionString }),
  "the environment": () => {
    vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", azureAccount().connectionString)
    return {}
  },
  "a key": () => ({ accountUrl: azureAccount().blobEndpoint, accountKey: azureAccount().accountKey }),
  "a signature": (name) => ({ accountUrl: azureAccount().blobEndpoint, sasToken: sasToken(name) }),
  "a signature with its question mark": (name) => ({
    accountUrl: `${azureAccount().blobEndpoint}/`,
    sasToken: `?${sasToken(name)}`,
  }),
  "a credential": () => {
    const { accountName, accountKey, blobEndpoint } = azureAccount()
    return { accountUrl: blobEndpoint, credential: new StorageSharedKeyCredential(accountName, accountKey) }
  },
  "a service client": () => ({ client: BlobServiceClient.fromConnectionString(azureAccount().connectionString) }),
  "a container client": (name) => ({
    client: BlobServiceClient.fromConnectionString(azureAccount().connectionString).getContainerClient(name),
  }),
}

test.each(Object.entries(ways))("a store by its URL is the store by its options: %s", async (_, way) => {
  await using container = await newContainer()
  const { containerName } = container
  const { accountName, connectionString } = azureAccount()
  const place = await fromUrl(`az://${accountName}/${containerName}/team/job`, way(containerName))
  await using store = await openCheckpointStore({ ...place, retain: { last: 2 } })
  await store.save(manifest, { state: Buffer.from("state") })
  const options = { connectionString, container: containerName }
  await using same = await openAzureStore({ ...options, prefix: "team/job" })
  expect((await same.recover({ depth: "deep" })).checkpoint?.manifest).toEqual(await store.load(1))
  await using neighbour = await openAzureStore({ ...options, prefix: "team/job-1" })
  expect((await neighbour.recover()).outcome).toBe("fresh")
})

test("nothing in a URL is decoded", async () => {
  await using container = await newContainer()
  const { accountName, connectionString } = azureAccount()
  const prefix = "a b/50%/a%20b/a#b/日本/"
  const at = `az://${accountName}/${container.containerName}`
  const { backend, ...options } = await fromUrl(`${at}/${prefix}`, { connectionString })
  expect(options).toEqual({ prefix, ownsBackend: true })
  await using objects = openObjects(backend, options)
  await objects.create("k", Buffer.from("bytes"))
  await using whole = openObjects((await fromUrl(at, { connectionString })).backend, { ownsBackend: true })
  expect((await whole.list()).map(({ key }) => key)).toEqual([`${prefix}k`])
})

const development = "UseDevelopmentStorage=true"
const key = Buffer.from("key").toString("base64")

test.each([
  ["s3://jobs/a", {}, "import fromUrl from @ckpt/s3"],
  ["az://me", {}, "has no container; write az://account/container/prefix"],
  ["az://me/jobs/a./b", {}, "ends with a dot"],
  ["az://me/jobs/a?sv=1", {}, 'has a "?"'],
  ["az://me/Jobs/a", { accountKey: key }, "lower-case"],
  ["az://me/jobs", null, "the options are null"],
  ["az://me/jobs", { container: "jobs" }, "fromUrl: there is no option container"],
  ["az://me/jobs", { accountkey: key }, "Did you mean accountKey?"],
  ["az://me/jobs", { accountKey: 7 }, "accountKey is the number 7"],
  ["az://me/jobs", { accountKey: key, sasToken: "sv=1" }, "accountKey and sasToken are given; give one of them"],
  ["az://me/jobs", { connectionString: development, accountUrl: "https://a.b" }, "connectionString and accountUrl"],
  ["az://me/jobs", { connectionString: development }, "the connection string is of the account devstoreaccount1, and"],
  [
    "az://me/jobs",
    { accountUrl: "https://you.blob.core.windows.net", accountKey: key },
    "accountUrl is of the account",
  ],
])("fromUrl(%j, %o) is CKPT_INVALID", async (url, options, text) => {
  const invalid = { code: "CKPT_INVALID", message: expect.stringContaining(text) }
  await expect(fromUrl(url, options as never)).rejects.toMatchObject(invalid)
})

test("a client is of another account: CKPT_INVALID", async () => {
  const client = BlobServiceClient.fromConnectionString(development)
  const message = expect.stringContaining(
    "the client is of the account devstoreaccount1, and the URL of me; write az://devstoreaccount1/…",
  )
  await expect(fromUrl("az://me/jobs", { client })).rejects.toMatchObject({ code: "CKPT_INVALID", message })
})

test("the environment's connection string is of another account: CKPT_INVALID, and no secret in the message", async () => {
  vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", development)
  const message = expect.stringMatching(/^(?!.*Key).*the connection string is of the account devstoreaccount1/)
  await expect(fromUrl("az://me/jobs/a")).rejects.toMatchObject({ code: "CKPT_INVALID", message })
})

test("the address of one's own domain does not show its account", async () => {
  const { backend } = await fromUrl("az://me/jobs/a", { accountUrl: "https://storage.example.com", accountKey: key })
  await backend[Symbol.asyncDispose]()
})
