import { ContainerSASPermissions } from "@azure/storage-blob"
import { uploadInParts } from "@ckpt/core/adapter"
import { expect } from "vitest"
import { openContainer } from "../src/client.js"
import { azureError, type Operation } from "../src/errors.js"
import { AzureBackend, type BackendErrorKind } from "../src/index.js"
import {
  azureAccount,
  bytesOf,
  connectionStringAt,
  failureOf,
  newContainer,
  openBackend,
  readAll,
  test,
  throughProxy,
} from "./storage.js"

const drain = async (pages: AsyncIterable<unknown>) => {
  for await (const _ of pages);
}

const calls: Record<string, (backend: AzureBackend) => Promise<unknown>> = {
  put: (backend) => backend.put("k", [bytesOf("x")], { when: "absent" }),
  "put in parts": (backend) => uploadInParts(backend.parts, "k", [bytesOf("x")]),
  get: (backend) => backend.get("k"),
  head: (backend) => backend.head("k"),
  list: (backend) => drain(backend.list("")),
  "delete of several": async (backend) => {
    const failures = await backend.delete(["k", "l"])
    expect(failures.map(({ key }) => key).sort()).toEqual(["k", "l"])
    throw failures[0]?.error
  },
  now: (backend) => backend.now(),
}

test.each(Object.keys(calls))("a container that does not exist: %s", async (call) => {
  const backend = await openBackend("no-such-container")
  const error = await failureOf(calls[call]!(backend))
  expect(error.kind).toBe("denied")
  expect(error.message).toMatch(/container no-such-container does not exist in account ckpt\w+: create it/)
  await backend[Symbol.asyncDispose]()
})

test.each(Object.keys(calls))("a wrong account key: %s", async (call) => {
  const { connectionString, accountKey } = azureAccount()
  const wrong = connectionString.replace(accountKey, Buffer.alloc(64, 1).toString("base64"))
  const backend = await openBackend("some-container", wrong)
  const error = await failureOf(calls[call]!(backend))
  expect(error.kind).toBe("denied")
  // The service answers AuthenticationFailed here, azurite AuthorizationFailure.
  expect(error.message).toMatch(/credentials are wrong or expired for account \w+|; or they are wrong/)
  await backend[Symbol.asyncDispose]()
})

async function withRights(container: Awaited<ReturnType<typeof newContainer>>, rights: string): Promise<AzureBackend> {
  const expiresOn = new Date(Date.now() + 3_600_000)
  const url = await container.generateSasUrl({ permissions: ContainerSASPermissions.parse(rights), expiresOn })
  const accountUrl = azureAccount().blobEndpoint + new URL(url).search
  const opened = await openContainer({ container: container.containerName, accountUrl })
  return new AzureBackend(opened.container, { dispose: opened.dispose })
}

test("rights that lack are named, and so are container and key", async () => {
  const container = await newContainer()
  const reader = await withRights(container, "rl")
  const put = await failureOf(reader.put("a/k", [bytesOf("x")]))
  expect(put.kind).toBe("denied")
  expect(put.message).toMatch(
    /Put Blob of a\/k in container t-.*lack Microsoft\.Storage\/.*\/blobs\/write on container t-/,
  )
  await container.getBlockBlobClient("a/k").upload("x", 1)
  const [deleted, ...others] = await reader.delete(["a/k"])
  expect(others).toHaveLength(0)
  expect(deleted?.error.kind).toBe("denied")
  expect(deleted?.error.message).toMatch(/blobs\/delete/)
  const writer = await withRights(container, "w")
  for (const call of [writer.get("a/k"), writer.head("a/k"), drain(writer.list("")), writer.now()]) {
    const error = await failureOf(call)
    expect(error.kind).toBe("denied")
    expect(error.message).toMatch(/blobs\/read/)
  }
  for (const backend of [reader, writer]) await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})

test("rights to delete are enough to delete several", async () => {
  const container = await newContainer()
  for (const key of ["a", "b", "c"]) await container.getBlockBlobClient(key).upload("x", 1)
  const backend = await withRights(container, "d")
  expect(await backend.delete(["a", "b", "none"])).toEqual([])
  expect(await container.getBlobClient("a").exists()).toBe(false)
  expect(await container.getBlobClient("c").exists()).toBe(true)
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})

test("a lease and snapshots are told as what they are, key by key", async () => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  for (const key of ["free", "leased", "snapped"]) await backend.put(key, [bytesOf("x")])
  const { version } = (await backend.head("leased"))!
  await container.getBlobClient("leased").getBlobLeaseClient().acquireLease(-1)
  await container.getBlobClient("snapped").createSnapshot()
  const replaced = await failureOf(backend.put("leased", [bytesOf("y")], { when: { version } }))
  expect(replaced.kind).toBe("permanent")
  expect(replaced.message).toMatch(/leased: break the lease.*LeaseIdMissing/)
  const failures = await backend.delete(["free", "leased", "snapped", "none"])
  expect(failures.map(({ key, error }) => [key, error.kind])).toEqual([
    ["leased", "permanent"],
    ["snapped", "permanent"],
  ])
  expect(failures[1]?.error.message).toMatch(/has snapshots/)
  expect(await backend.head("free")).toBeUndefined()
  await container.getBlobClient("leased").getBlobLeaseClient().breakLease(0)
  await backend[Symbol.asyncDispose]()
  await container[Symbol.asyncDispose]()
})

test("nobody listens: transient for reads and for writes, as nothing was sent", async () => {
  const backend = await openBackend("some-container", connectionStringAt("http://127.0.0.1:1"))
  for (const call of Object.values(calls)) {
    const error = await failureOf(call(backend))
    expect(error.kind).toBe("transient")
    expect(error.message).toMatch(/ECONNREFUSED/)
  }
  await backend[Symbol.asyncDispose]()
})

const answers: [status: number, code: string, read: BackendErrorKind, write: BackendErrorKind, says: RegExp][] = [
  [503, "ServerBusy", "transient", "ambiguous", /ServerBusy/],
  [500, "OperationTimedOut", "transient", "ambiguous", /OperationTimedOut/],
  [500, "InternalError", "transient", "ambiguous", /InternalError/],
  [409, "ContainerBeingDeleted", "transient", "transient", /try again later/],
  [409, "AccountBeingCreated", "transient", "transient", /try again later/],
  [409, "BlobImmutableDueToPolicy", "permanent", "permanent", /immutability policy/],
  [409, "BlobArchived", "permanent", "permanent", /rehydrate/],
  [412, "LeaseIdMissing", "permanent", "permanent", /break the lease/],
  [412, "ConditionNotMet", "precondition", "precondition", /412/],
  [409, "BlobAlreadyExists", "precondition", "precondition", /it exists/],
  [404, "BlobNotFound", "precondition", "precondition", /it does not exist/],
  [403, "AuthorizationPermissionMismatch", "denied", "denied", /Storage Blob Data Contributor/],
  [403, "AuthorizationFailure", "denied", "denied", /firewall/],
  [403, "KeyBasedAuthenticationNotPermitted", "denied", "denied", /takes no account keys/],
  [401, "InvalidAuthenticationInfo", "denied", "denied", /wrong or expired/],
  [404, "ResourceNotFound", "denied", "denied", /requests without credentials/],
  [404, "", "permanent", "permanent", /not an answer of Azure Blob Storage/],
  [400, "Md5Mismatch", "transient", "transient", /damaged on their way/],
  [429, "", "transient", "transient", /429/],
]

test.each(answers)("%i %s", (statusCode, code, read, write, says) => {
  const place = { account: "account", container: "jobs" }
  const headers = new Map([["retry-after", "2"], ...(code === "" ? [] : [["x-ms-error-code", code] as const])])
  const error = Object.assign(new Error("what the SDK says"), { statusCode, response: { headers } })
  const told = (needs: Operation["needs"]) => azureError(error, place, { name: "Request", needs, key: "k" })
  expect([told("read").kind, told("write").kind, told("delete").kind]).toEqual([read, write, write])
  expect(told("write").message).toMatch(says)
  expect(told("write").message).toMatch(/^Request of k in container jobs/)
  expect(told("write").cause).toBe(error)
})

test("an account that does not exist has no address", () => {
  const error = Object.assign(new Error("getaddrinfo ENOTFOUND"), { name: "RestError", code: "ENOTFOUND" })
  const told = azureError(
    error,
    { account: "acount", container: "jobs" },
    { name: "Put Blob", needs: "write", key: "k" },
  )
  expect(told.kind).toBe("permanent")
  expect(told.message).toMatch(/check the account's name \(acount\)/)
})

test("what is no answer of the service is an error, never an absence or a short list", async () => {
  const container = await newContainer()
  const { proxy, backend } = await throughProxy(container.containerName)
  await backend.put("k", [bytesOf("content")])
  for (const body of ["", "<html></html>", "<Error><Code>ServerBusy</Code></Error>", "<EnumerationResults><Blobs>"]) {
    proxy.inject({ when: ({ query }) => query.has("comp"), fault: { kind: "replace-answer", body }, times: 1 })
    const error = await failureOf(drain(backend.list("")))
    expect(error.kind).toBe("transient")
  }
  proxy.clear()
  proxy.inject({ when: () => true, fault: { kind: "status", status: 404, body: "not found" }, times: 2 })
  expect((await failureOf(backend.get("k"))).kind).toBe("permanent")
  expect((await failureOf(backend.head("k"))).kind).toBe("permanent")
  proxy.clear()
  expect(await readAll(await backend.get("k"))).toBe("content")
  await backend[Symbol.asyncDispose]()
  await proxy.stop()
  await container[Symbol.asyncDispose]()
})
