import { randomUUID } from "node:crypto"
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob"
import type { TestStorage } from "@ckpt/conformance"
import type { BackendError, ObjectContent } from "@ckpt/core"
import { type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { test as anyTest, inject } from "vitest"
import { openContainer } from "../src/client.js"
import { AzureBackend } from "../src/index.js"

const account = inject("azure")

/**
 * Tests that need a server are left out, visibly, if none can run; with CI=true the start of the server fails instead.
 */
export const test = anyTest.skipIf(account === undefined) as typeof anyTest

export function azureAccount(): NonNullable<typeof account> {
  if (account === undefined) throw new Error("there is no server")
  return account
}

type TestContainer = ContainerClient & { [Symbol.asyncDispose](): Promise<void> }

/** A container for one test, gone at the end. */
export async function newContainer(): Promise<TestContainer> {
  const service = BlobServiceClient.fromConnectionString(azureAccount().connectionString)
  const container = service.getContainerClient(`t-${randomUUID()}`)
  await container.create()
  return Object.assign(container, {
    async [Symbol.asyncDispose]() {
      await container.deleteIfExists()
    },
  })
}

/** The backend over a client as `openAzureStore` makes it. */
export async function openBackend(
  name: string,
  connectionString = azureAccount().connectionString,
): Promise<AzureBackend> {
  const { container, dispose } = await openContainer({ container: name, connectionString })
  return new AzureBackend(container, { dispose })
}

export async function azureStorage(): Promise<TestStorage> {
  const container = await newContainer()
  return {
    open: () => openBackend(container.containerName),
    dispose: () => container[Symbol.asyncDispose](),
  }
}

/** The connection string of the same account at another address, such as a proxy's. */
export function connectionStringAt(endpoint: string): string {
  const { accountName, accountKey } = azureAccount()
  return `DefaultEndpointsProtocol=http;AccountName=${accountName};AccountKey=${accountKey};BlobEndpoint=${endpoint}/${accountName};`
}

/** A backend that speaks to the server through a proxy. */
export async function throughProxy(container: string): Promise<{ backend: AzureBackend; proxy: FaultProxy }> {
  const proxy = await startFaultProxy(new URL(azureAccount().blobEndpoint).origin)
  return { proxy, backend: await openBackend(container, connectionStringAt(proxy.endpoint)) }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export async function readAll(content: ObjectContent | undefined): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content?.body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The error that a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<BackendError> {
  try {
    await call
  } catch (error) {
    return error as BackendError
  }
  throw new Error("it did not reject")
}
