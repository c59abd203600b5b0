import { BlobServiceClient, ContainerClient } from "@azure/storage-blob"
import { expect, test } from "vitest"
import { azureError } from "../src/errors.js"
import { AzureBackend, openAzureStore } from "../src/index.js"

const container = "jobs"
const connectionString = "UseDevelopmentStorage=true"
const client = new ContainerClient(connectionString, container)

const mistakes: readonly [argument: string, options: unknown, ...words: string[]][] = [
  ["openAzureStore()", undefined, "openAzureStore needs options: { container, … }"],
  ["null", null, "the options are null"],
  ["a container in place of options", container, 'the string "jobs"', "{ container, … }"],
  ["no container", { connectionString }, "container is missing"],
  ["container: 7", { connectionString, container: 7 }, "container is the number 7"],
  ["containerName", { connectionString, containerName: container }, "no option containerName", "mean container?"],
  ["conectionString", { container, conectionString: connectionString }, "mean connectionString?"],
  ["connectionString: 7", { container, connectionString: 7 }, "connectionString is the number 7", "a string"],
  ["accountURL", { container, accountURL: "https://a.blob.core.windows.net" }, "mean accountUrl?"],
  ["accountUrl: a URL object", { container, accountUrl: new URL("https://a.b") }, "accountUrl is a URL", "a string"],
  ["client: the class", { client: ContainerClient }, "the class ContainerClient", "neither a ContainerClient"],
  ["client: {}", { client: {} }, "client is a plain object"],
  ["client: text", { client: "c" }, 'client is the string "c"'],
  [
    "a service client without a container",
    { client: BlobServiceClient.fromConnectionString(connectionString) },
    "container is missing",
  ],
  ["readonly", { client, readonly: true }, "mean readOnly?"],
  ["retain: { lsat: 3 }", { client, retain: { lsat: 3 } }, "mean retain.last?"],
  ["prefix: 7", { client, prefix: 7 }, "prefix is the number 7"],
  ["bucket", { client, bucket: "jobs" }, "no option bucket"],
]

test.each(mistakes)("openAzureStore: %s is CKPT_INVALID", async (_, options, ...words) => {
  const error: unknown = await openAzureStore(options as never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: "CheckpointError", code: "CKPT_INVALID" })
  for (const word of words) expect((error as Error).message).toContain(word)
})

test.each([
  [undefined, {}, "client is undefined"],
  [{}, {}, "client is a plain object"],
  [client, { dispose: true }, "dispose is true"],
  [client, { dipsose: () => {} }, "mean dispose?"],
])("new AzureBackend(%#) is CKPT_INVALID", (given, options, word) => {
  const invalid = expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringContaining(word) })
  expect(() => new AzureBackend(given as never, options as never)).toThrow(invalid)
})

test.each([
  [{ statusCode: 404, code: "ContainerNotFound" }, "denied"],
  [{ statusCode: 403, code: "AuthorizationFailure" }, "denied"],
  [{ statusCode: 507, code: "InsufficientStorage" }, "full"],
  [{ name: "RestError", code: "ENOTFOUND" }, "permanent"],
  [{ name: "RestError", code: "EPROTO" }, "permanent"],
  [{ name: "RestError", code: "ECONNRESET" }, "ambiguous"],
])("%o is %s", (fields, kind) => {
  const error = Object.assign(new Error("failed"), fields)
  expect(azureError(error, { account: "a", container }, { name: "Put Blob", needs: "write", key: "k" }).kind).toBe(kind)
})
