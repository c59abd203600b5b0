import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3"
import { startFaultProxy } from "@ckpt/fault-proxy"
import { describe, expect, test } from "vitest"
import { createManifest, openS3Store } from "../src/index.js"
import { hasServer, newBucket, partBytes, serverOptions } from "./storage.js"

const packageFolder = fileURLToPath(new URL("..", import.meta.url))
const readme = await readFile(join(packageFolder, "README.md"), "utf8")

describe.runIf(hasServer)("the README", () => {
  test("its program runs as plain JavaScript, once more after a restart", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ckpt-readme-"))
    try {
      const { endpoint, region, credentials } = serverOptions()
      // The environment gives the settings that the program leaves out. The address style has no variable, so it
      // becomes an option.
      const program = (/```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "").replace(
        'bucket: "my-bucket"',
        `bucket: "${await newBucket()}", forcePathStyle: true`,
      )
      const env = {
        PATH: process.env["PATH"],
        AWS_ENDPOINT_URL_S3: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      }
      await writeFile(join(folder, "program.mjs"), program)
      await mkdir(join(folder, "node_modules/@ckpt"), { recursive: true })
      await symlink(packageFolder, join(folder, "node_modules/@ckpt/s3"))
      for (const run of [1, 2]) {
        const { stdout } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder, env })
        expect(stdout).toBe(`checkpoint ${run} holds ${run}\n`)
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test("its middleware adds encryption headers where an object is created, and pays for every request", async () => {
    const [, recipe = ""] = /\n(const client = [\s\S]*?)const store = /.exec(readme) ?? []
    const client: S3Client = new Function("S3Client", `${recipe}return client`)(
      class extends S3Client {
        constructor(config: S3ClientConfig) {
          super({ ...serverOptions(), ...config })
        }
      },
    )
    const seen = new Map<string, Record<string, string | undefined>>()
    client.middlewareStack.add(
      (next, { commandName = "" }) =>
        (args) => {
          const { headers } = args.request as { headers: Record<string, string> }
          const name = "x-amz-server-side-encryption"
          const [kind, key] = [headers[name], headers[`${name}-aws-kms-key-id`]]
          seen.set(commandName, { kind, key, payer: headers["x-amz-request-payer"] })
          // The test server has no keys.
          delete headers[name]
          delete headers[`${name}-aws-kms-key-id`]
          return next(args)
        },
      { step: "build", name: "seen", priority: "low" },
    )
    const store = await openS3Store({ client, bucket: await newBucket(), partBytes })
    for (const id of [1, 2]) {
      await store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: new Uint8Array(partBytes + 1) })
    }
    expect((await store.recover()).checkpoint?.id).toBe(2)
    await store.prune({ last: 1 })
    await store.collectOrphans()
    await store.close()
    client.destroy()
    const commands = [
      ...["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"],
      ...["GetObject", "HeadObject", "ListObjectsV2", "ListMultipartUploads", "DeleteObjects"],
    ].map((name) => `${name}Command`)
    expect([...seen.keys()].sort()).toEqual(commands.sort())
    for (const [command, { kind, key, payer }] of seen) {
      const creates = ["PutObjectCommand", "CreateMultipartUploadCommand"].includes(command)
      expect([command, kind, key?.startsWith("arn:aws:kms:"), payer]).toEqual([
        command,
        creates ? "aws:kms" : undefined,
        creates ? true : undefined,
        "requester",
      ])
    }
  })

  test("its table of costs has the requests that are sent", async () => {
    await using proxy = await startFaultProxy(serverOptions().endpoint)
    const bucket = await newBucket()
    const store = await openS3Store({ ...serverOptions(proxy.endpoint), bucket, partBytes })
    let id = 0
    const manifest = () => createManifest({ checkpointId: ++id, epoch: id })
    async function sent(run: () => Promise<unknown>): Promise<Record<string, number>> {
      proxy.resetCounts()
      await run()
      const counts: Record<string, number> = {}
      for (const { method, query } of proxy.requests) {
        const lists = query.has("list-type") || query.has("uploads")
        const name = method === "GET" && lists ? "LIST" : query.has("delete") ? "DELETE" : method
        counts[name] = (counts[name] ?? 0) + 1
      }
      return counts
    }
    const state = new Uint8Array(100)
    const first = await sent(() => store.save(manifest(), { state }))
    expect(first).toEqual({ PUT: 3 + 6, POST: 4, GET: 1 + 3, LIST: 1, DELETE: 3 })
    expect(await sent(() => store.save(manifest()))).toEqual({ PUT: 2, GET: 1 })
    expect(await sent(() => store.save(manifest(), { state }))).toEqual({ PUT: 3, GET: 1 })
    // The upload begins, sends three parts, and is completed; then the manifest, the history and the pointer follow.
    const long = new Uint8Array(2 * partBytes + 1)
    expect(await sent(() => store.save(manifest(), { state: long }))).toEqual({ POST: 2, PUT: 5, GET: 1 })
    expect(await sent(() => store.recover())).toEqual({ LIST: 2, GET: 2 + 2 })
    expect(await sent(() => store.list()[Symbol.asyncIterator]().next())).toEqual({ LIST: 2, GET: 4 + 2 })
    // The list has read all of them. A store that has not read them reads each.
    const other = await openS3Store({ ...serverOptions(proxy.endpoint), bucket })
    expect(await sent(() => other.prune({ last: 1 }, { dryRun: true }))).toEqual({ LIST: 2, GET: 4 + 2 })
    await other.close()
    // The latest is read anew, and the pointer. It creates the history, and the pointer says so from now on.
    expect(await sent(() => store.prune({ last: 1 }))).toEqual({ LIST: 2, GET: 1 + 1, PUT: 2, DELETE: 2 })
    expect(await sent(() => store.collectOrphans())).toEqual({ LIST: 2 + 1 + 2, GET: 1 + 1, HEAD: 1 })
    await store.save(manifest(), { state })
    expect(await sent(() => store.prune({ last: 1 }))).toEqual({ LIST: 2, GET: 1, PUT: 1, DELETE: 2 })
    await store.close()
  })
})
