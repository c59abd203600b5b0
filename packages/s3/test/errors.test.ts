import { createServer } from "node:net"
import type { BackendError } from "@ckpt/core"
import { uploadInParts } from "@ckpt/core/adapter"
import { type FaultProxy, startFaultProxy } from "@ckpt/fault-proxy"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { openS3Store, S3Backend } from "../src/index.js"
import { hasServer, newBucket, serverClient, serverOptions } from "./storage.js"

async function failure(call: Promise<unknown>): Promise<BackendError> {
  return call.then(
    (value) => expect.fail(`it resolved with ${JSON.stringify(value)}`),
    (error) => error,
  )
}

const drained = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
}

/** Every operation, each with a name for messages. */
function calls(backend: S3Backend): [string, () => Promise<unknown>][] {
  return [
    ["put", () => backend.put("k", [new Uint8Array(1)])],
    ["create", () => backend.put("k", [new Uint8Array(1)], { when: "absent" })],
    ["replace", () => backend.put("k", [new Uint8Array(1)], { when: { version: '"v"' } })],
    ["put in parts", () => uploadInParts(backend.parts, "k", [new Uint8Array(1)])],
    ["get", () => backend.get("k")],
    ["head", () => backend.head("k")],
    ["list", () => drained(backend.list("k"))],
    ["delete", () => backend.delete(["k"])],
    ["now", () => backend.now()],
    ["leftovers", () => backend.leftovers({ olderThanMs: 0, prefix: "" })],
  ]
}

describe.runIf(hasServer)("real refusals", () => {
  test("a missing bucket is named by every operation, and is never an empty store", async () => {
    const backend = new S3Backend({ client: serverClient(), bucket: "no-such-bucket-here" })
    for (const [name, call] of calls(backend)) {
      const error = await failure(call())
      expect(error.kind, name).toBe("denied")
      expect(error.message, name).toContain("Bucket no-such-bucket-here does not exist at this endpoint: create it")
    }
    const store = await openS3Store({ ...serverOptions(), bucket: "no-such-bucket-here" })
    await expect(store.recover()).rejects.toMatchObject({ code: "CKPT_DENIED", retryable: false })
    await store.close()
  })

  test.each([
    ["an unknown access key", { accessKeyId: "nobody", secretAccessKey: "x" }],
    ["a wrong secret", { accessKeyId: serverOptions().credentials.accessKeyId, secretAccessKey: "x" }],
  ])("%s is denied and says so", async (_, credentials) => {
    const bucket = await newBucket()
    const backend = new S3Backend({ client: serverClient({ credentials }), bucket })
    for (const [name, call] of calls(backend)) {
      const error = await failure(call())
      expect(error.kind, name).toBe("denied")
      if (name !== "head") expect(error.message, name).toContain("correct the credentials")
    }
  })

  test("no credentials: it says where they may come from", async () => {
    const credentials = async () => {
      throw Object.assign(new Error("Could not load credentials"), { name: "CredentialsProviderError" })
    }
    const store = await openS3Store({ ...serverOptions(), credentials, bucket: "jobs" })
    const error = await failure(store.recover())
    expect(error).toMatchObject({ code: "CKPT_DENIED", retryable: false })
    expect(error.message).toContain("AWS_ACCESS_KEY_ID")
    await store.close()
  })

  test("no region: it says how to give one", async () => {
    vi.stubEnv("AWS_REGION", undefined)
    vi.stubEnv("AWS_DEFAULT_REGION", undefined)
    vi.stubEnv("AWS_CONFIG_FILE", "/dev/null")
    try {
      const { region: _, ...options } = serverOptions()
      const store = await openS3Store({ ...options, bucket: "jobs" })
      const error = await failure(store.recover())
      expect(error).toMatchObject({ code: "CKPT_IO", retryable: false })
      expect(error.message).toContain("AWS_REGION")
      await store.close()
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test("a clock that is hours off is refused, told, and made up for by the next attempt", async () => {
    const bucket = await newBucket()
    const options = { ...serverOptions(), clientOptions: { systemClockOffset: -2 * 3_600_000 } }
    const client = serverClient({ systemClockOffset: -2 * 3_600_000 })
    const error = await failure(new S3Backend({ client, bucket }).put("k", []))
    expect(error.kind).toBe("transient")
    expect(error.message).toContain("clock of this machine")
    const store = await openS3Store({ ...options, bucket })
    expect((await store.recover()).outcome).toBe("fresh")
    await store.close()
  })
})

test("nobody listens: a read and a write are transient, as nothing was sent", async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const backend = new S3Backend({ client: serverClient({ endpoint: `http://127.0.0.1:${port}` }), bucket: "jobs" })
  for (const [name, call] of calls(backend)) {
    const error = await failure(call())
    expect(error.kind, name).toBe("transient")
    expect(error.message, name).toContain("ECONNREFUSED")
  }
})

describe.runIf(hasServer)("answers that Amazon documents and Ceph does not give", () => {
  let proxy: FaultProxy
  let backend: S3Backend
  beforeAll(async () => {
    proxy = await startFaultProxy(serverOptions().endpoint)
    backend = new S3Backend({ client: serverClient({ endpoint: proxy.endpoint }), bucket: await newBucket() })
  })
  afterAll(() => proxy?.stop())

  /** The error of each operation for one answer. */
  async function kinds(status: number, code: string, headers: Record<string, string> = {}, more = "") {
    const body = code === "" ? "" : `<Error><Code>${code}</Code><Message>m</Message>${more}</Error>`
    const fault = { kind: "status", status, headers: { "content-type": "application/xml", ...headers }, body } as const
    proxy.clear()
    proxy.inject({ when: () => true, fault })
    const seen = new Map<string, BackendError>()
    for (const [name, call] of calls(backend)) seen.set(name, await failure(call()))
    proxy.clear()
    return seen
  }

  const writes = ["put", "create", "replace", "put in parts", "delete"]

  test.each([
    [500, "InternalError", "ambiguous", "transient"],
    [503, "SlowDown", "ambiguous", "transient"],
    [503, "", "ambiguous", "transient"],
    [400, "RequestTimeout", "transient", "transient"],
    [400, "BadDigest", "transient", "transient"],
    [400, "XAmzContentChecksumMismatch", "transient", "transient"],
    [400, "IncompleteBody", "transient", "transient"],
    [307, "TemporaryRedirect", "transient", "transient"],
    [429, "TooManyRequests", "transient", "transient"],
    [403, "AccessDenied", "denied", "denied"],
    [400, "ExpiredToken", "denied", "denied"],
    [403, "InvalidObjectState", "permanent", "permanent"],
    [403, "QuotaExceeded", "full", "full"],
    [400, "NotImplemented", "unsupported", "unsupported"],
    [400, "MalformedXML", "permanent", "permanent"],
    [501, "NotImplemented", "unsupported", "unsupported"],
    [200, "InternalError", "ambiguous", "transient"],
  ])("%i %s", async (status, code, write, read) => {
    for (const [name, error] of await kinds(status, code, { "retry-after": "3" })) {
      // An answer to HEAD has no body, and so no code.
      if (name === "head" && (status < 403 || ["InvalidObjectState", "QuotaExceeded"].includes(code))) continue
      // A body that looks like an error is, to a get, an object with these bytes.
      if (name === "get" && status === 200) continue
      expect(error.kind, `${name}: ${error.message}`).toBe(writes.includes(name) ? write : read)
      expect(error.message, name).toContain(name === "head" || status === 200 ? "" : code)
      if (status !== 200) expect(error.retryAfterMs, name).toBe(3000)
    }
  })

  test.each([
    [301, "PermanentRedirect", "", "eu-west-3"],
    [301, "", "", "eu-west-3"],
    [400, "", "", "eu-west-3"],
    [400, "IllegalLocationConstraintException", "", "eu-west-3"],
    [400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>", undefined],
  ])("%i %s names the right region", async (status, code, more, header) => {
    for (const [name, error] of await kinds(status, code, header ? { "x-amz-bucket-region": header } : {}, more)) {
      if (name === "head" && header === undefined) continue
      expect(error.kind, name).toBe("permanent")
      expect(error.message, name).toContain('region: "eu-west-3"')
    }
  })

  test("an exceeded quota is no missing permission", async () => {
    for (const [name, { message }] of await kinds(403, "QuotaExceeded")) {
      if (name === "head") continue
      expect(message, name).toContain("raise it, or remove objects")
      expect(message, name).not.toContain("Allow s3:")
    }
  })

  test("a header that is not implemented is named, by the store or by the request's condition", async () => {
    const told = await kinds(501, "NotImplemented", {}, "<Header>x-amz-some</Header>")
    expect(told.get("create")?.message).toContain("does not implement the header x-amz-some")
    const untold = await kinds(501, "")
    expect(untold.get("create")?.message).toContain("does not implement the header If-None-Match")
    expect(untold.get("replace")?.message).toContain("does not implement the header If-Match")
    expect(untold.get("put")?.message).not.toContain("does not implement the header")
  })

  test("a refusal names the action, the bucket and the key", async () => {
    const errors = await kinds(403, "AccessDenied")
    const messageOf = (name: string) => errors.get(name)?.message ?? ""
    for (const name of ["put", "create", "replace", "put in parts"]) {
      expect(messageOf(name)).toMatch(/Allow s3:PutObject on arn:aws:s3:::\S+\/k\.$/)
    }
    for (const name of ["get", "head"]) {
      expect(messageOf(name)).toMatch(
        /Allow s3:GetObject on arn:aws:s3:::\S+\/k, and s3:ListBucket on arn:aws:s3:::\S+\.$/,
      )
    }
    for (const name of ["list", "now"]) expect(messageOf(name)).toMatch(/Allow s3:ListBucket on arn:aws:s3:::[^/]+\.$/)
    expect(messageOf("delete")).toContain("Allow s3:DeleteObject on")
    expect(messageOf("leftovers")).toContain("Allow s3:ListBucketMultipartUploads on")
  })

  test("each key's own error in an answer to a delete", async () => {
    const codes = ["AccessDenied", "InternalError", "SlowDown", "MethodNotAllowed", "NoSuchKey"]
    const keys = [...codes, "deleted", "forgotten"]
    const body = `<DeleteResult><Deleted><Key>deleted</Key></Deleted>${codes
      .map((code) => `<Error><Key>${code}</Key><Code>${code}</Code><Message>m</Message></Error>`)
      .join("")}</DeleteResult>`
    proxy.inject({ when: () => true, fault: { kind: "status", status: 200, body }, times: 1 })
    const failures = await backend.delete(keys)
    expect(failures.map(({ key, error }) => [key, error.kind])).toEqual([
      ["AccessDenied", "denied"],
      ["InternalError", "ambiguous"],
      ["SlowDown", "ambiguous"],
      ["MethodNotAllowed", "permanent"],
      ["forgotten", "ambiguous"],
    ])
    expect(failures[0]?.error.message).toMatch(/Allow s3:DeleteObject on arn:aws:s3:::\S+\/AccessDenied\.$/)
  })

  test("an answer of nothing is never an empty list, and never a success", async () => {
    for (const body of ["", "<ListBucketResult/>", "<Error><Code>InternalError</Code></Error>\n"]) {
      proxy.inject({ when: () => true, fault: { kind: "status", status: 200, body } })
      for (const [name, call] of calls(backend)) {
        // To a get, an answer of any length is an object.
        if (name === "get" || name === "now") continue
        if (name === "delete") expect(await backend.delete(["k"])).toMatchObject([{ error: { kind: "ambiguous" } }])
        else expect((await failure(call())).kind, name).toMatch(/transient|ambiguous/)
      }
      proxy.clear()
    }
  })
})
