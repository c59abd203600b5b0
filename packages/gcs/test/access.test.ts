import { uploadInParts } from "@ckpt/core/adapter"
import { type GcsServer, startGcsServer } from "@ckpt/gcs-server"
import { Storage as Storage7 } from "@google-cloud/storage"
import { Storage as Storage8 } from "google-cloud-storage-8"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { GcsBackend, type GcsClient } from "../src/index.js"

const token = "a-token"
let server: GcsServer
/** Permissions that the caller lacks. */
const denied = new Set<string>()

beforeAll(async () => {
  server = await startGcsServer({ requireToken: token, deny: ({ permission }) => denied.has(permission) })
  server.createBucket("jobs")
})
afterAll(() => server.stop())

/** A client with credentials that are sent to this endpoint too. */
const clients: Record<string, (options: object) => GcsClient & { authClient: unknown }> = {
  "@google-cloud/storage 7": (options) => new Storage7({ ...common(), ...options }),
  "@google-cloud/storage 8": (options) => new Storage8({ ...common(), ...options }),
}
const common = () => ({ apiEndpoint: server.endpoint, projectId: "test", useAuthWithCustomEndpoint: true })

describe.each(Object.entries(clients))("%s", (_, newClient) => {
  /** An OAuth client with a ready token, made by the library itself. */
  const withToken = (accessToken: string) => {
    const { authClient } = newClient({}) as unknown as { authClient: { fromAPIKey(key: string): SignedIn } }
    const signedIn = authClient.fromAPIKey("none")
    signedIn.apiKey = undefined
    // Without scopes the client would sign requests itself, and it has no key for that.
    signedIn.scopes = ["any"]
    signedIn.setCredentials({ access_token: accessToken, expiry_date: Date.now() + 3_600_000 })
    return new GcsBackend({ client: newClient({ authClient: signedIn }), bucket: "jobs" })
  }
  interface SignedIn {
    apiKey: string | undefined
    scopes: string[]
    setCredentials(credentials: object): void
  }
  const messageOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (reason) => reason,
    )
    expect(error).toMatchObject({ kind: "denied" })
    return String(error)
  }

  test("the client's token is sent", async () => {
    const backend = withToken(token)
    const { version } = await backend.put("key", [Buffer.from("bytes")])
    expect((await backend.head("key"))?.version).toBe(version)
    await uploadInParts(backend.parts, "long", [Buffer.from("bytes")])
    await backend.delete(["key", "long"])
    await backend[Symbol.asyncDispose]()
  })

  test("a token that is not accepted: what to do", async () => {
    const backend = withToken("another")
    expect(await messageOf(backend.head("key"))).toMatch(
      /401.*Invalid Credentials.*gcloud auth application-default login/,
    )
    await backend[Symbol.asyncDispose]()
  })

  test("a key file that does not exist: what to do", async () => {
    const backend = new GcsBackend({ client: newClient({ keyFilename: "/no/such/key.json" }), bucket: "jobs" })
    expect(await messageOf(backend.head("key"))).toMatch(/no access token.*\/no\/such\/key\.json.*keyFilename/)
    await backend[Symbol.asyncDispose]()
  })

  test("a token that cannot be had now may be had shortly, and nothing was written", async () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })
    const client = newClient({})
    Object.assign(client.authClient as object, { getClient: () => Promise.reject(refused) })
    const backend = new GcsBackend({ client, bucket: "jobs" })
    await expect(backend.put("key", [])).rejects.toMatchObject({ kind: "transient", cause: refused })
  })

  test("a token that is never delivered: abort", async () => {
    const client = newClient({})
    Object.assign(client.authClient as object, { getClient: () => new Promise(() => {}) })
    const backend = new GcsBackend({ client, bucket: "jobs" })
    const aborted = new AbortController()
    const call = backend.head("key", { signal: aborted.signal })
    aborted.abort("given up")
    await expect(call).rejects.toBe("given up")
  })

  test("the permission that is missing is named, with bucket, key and role", async () => {
    const backend = withToken(token)
    const calls = {
      "storage.objects.create": () => backend.put("some/key", []),
      "storage.objects.get": () => backend.get("some/key"),
      "storage.objects.delete": async () => {
        throw (await backend.delete(["some/key"]))[0]?.error
      },
      "storage.objects.list": () => backend.now(),
    }
    for (const [permission, call] of Object.entries(calls)) {
      denied.add(permission)
      const message = await messageOf(call())
      denied.clear()
      expect(message).toContain(`${permission} of gs://jobs/${permission.endsWith("list") ? "" : "some/key"}`)
      expect(message).toContain(`Grant ${permission}`)
      expect(message).toContain("roles/storage.objectUser")
    }
    await backend[Symbol.asyncDispose]()
  })

  test("to replace an object takes the permission to delete it, which the message says", async () => {
    const backend = withToken(token)
    const { version } = await backend.put("latest", [Buffer.from("1")])
    denied.add("storage.objects.delete")
    const message = await messageOf(backend.put("latest", [Buffer.from("2")], { when: { version } }))
    denied.clear()
    expect(message).toContain("to replace an object, storage.objects.delete too")
    await backend[Symbol.asyncDispose]()
  })
})
