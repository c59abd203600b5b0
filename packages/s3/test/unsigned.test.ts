import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { request as httpRequest, type IncomingHttpHeaders } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PutBucketPolicyCommand } from "@aws-sdk/client-s3"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createManifest, openS3Store, type S3StoreOptions } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverClient, serverOptions } from "./storage.js"

interface Seen {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
}

/** The test server behind TLS, which it does not speak itself. */
async function behindTls(target: string) {
  const folder = mkdtempSync(join(tmpdir(), "ckpt-tls-"))
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
  execFileSync("openssl", ["req", "-x509", ...kind, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" })
  const [keyText, ca] = [readFileSync(key), readFileSync(cert)]
  rmSync(folder, { recursive: true })
  const seen: Seen[] = []
  const server = createServer({ key: keyText, cert: ca }, (incoming, outgoing) => {
    const { method, url, headers } = incoming
    seen.push({ method, headers })
    const to = new URL(target)
    const forwarded = httpRequest({ host: to.hostname, port: to.port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on("error", () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return { endpoint: `https://127.0.0.1:${port}`, ca, seen, server }
}

describe.runIf(hasServer)("the payload of an upload", () => {
  let tls: Awaited<ReturnType<typeof behindTls>>
  beforeAll(async () => {
    tls = await behindTls(serverOptions().endpoint)
  })
  afterAll(() => void tls.server.close().closeAllConnections())
  beforeEach(() => void tls.seen.splice(0))

  const state = new Uint8Array(2 * partBytes + 1).fill(7)

  /** Saves a state in parts, and gives what was sent as the hash of each payload: "signed" for a hash. */
  async function payloads(options: Omit<S3StoreOptions, "bucket"> = {}) {
    const { clientOptions, ...more } = options
    const store = await openS3Store({
      ...{ bucket: await newBucket(), partBytes, ...serverOptions(tls.endpoint), ...more },
      clientOptions: { requestHandler: { httpsAgent: { ca: tls.ca } }, ...clientOptions },
    })
    await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
    const read = await (await store.readState(1))?.bytes()
    expect(read !== undefined && Buffer.compare(read, state) === 0).toBe(true)
    await store.close()
    const puts = tls.seen.filter(({ method }) => method === "PUT")
    expect(puts.length).toBeGreaterThan(3)
    const sent = puts.map(({ headers }) => {
      const hash = String(headers["x-amz-content-sha256"])
      const isChecked = Object.keys(headers).some((name) => name.startsWith("x-amz-checksum-"))
      return `${/^[0-9a-f]{64}$/.test(hash) ? "signed" : hash}, ${isChecked ? "checksum" : "no checksum"}`
    })
    return [...new Set(sent)]
  }

  test("over https it is not signed; its checksum is, and the server compares it", async () => {
    expect(await payloads()).toEqual(["UNSIGNED-PAYLOAD, checksum"])
  })

  test("with signPayload: true it is signed, as a bucket may demand", async () => {
    expect(await payloads({ signPayload: true })).toEqual(["signed, checksum"])
  })

  test("a refusal names the way out, where a policy may forbid unsigned payloads", async () => {
    const bucket = await newBucket()
    const Statement = [{ Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: `arn:aws:s3:::${bucket}/*` }]
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement })
    await serverClient().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    const clientOptions = { requestHandler: { httpsAgent: { ca: tls.ca } } }
    const saved = async (endpoint: string) => {
      const store = await openS3Store({ bucket, ...serverOptions(endpoint), clientOptions })
      const error: unknown = await store.save(createManifest({ checkpointId: 1, epoch: 1 })).catch((e: unknown) => e)
      await store.close()
      return String(error)
    }
    expect(await saved(tls.endpoint)).toContain("signPayload: true")
    expect(await saved(serverOptions().endpoint)).not.toContain("signPayload")
  })

  test("without a checksum it is signed: something must cover the bytes", async () => {
    const clientOptions = { requestChecksumCalculation: "WHEN_REQUIRED" } as const
    expect(await payloads({ clientOptions })).toEqual(["signed, no checksum"])
  })
})
