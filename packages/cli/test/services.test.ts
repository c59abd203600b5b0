import { BackendError } from "@ckpt/core"
import { type GcsServerOptions, startGcsServer } from "@ckpt/gcs-server"
import { describe, expect, inject, onTestFinished, test } from "vitest"
import { ckpt, objects } from "./ckpt.js"
import { opened, seed } from "./seed.js"
import { flagsOf, memoryStorage, type Place } from "./storages.js"

/** A service of its own, so that a test may make it refuse, or set its clock. */
async function service(options: GcsServerOptions): Promise<Place> {
  const server = await startGcsServer(options)
  onTestFinished(() => server.stop())
  server.createBucket("bucket-a")
  return { url: "gs://bucket-a/job", flags: { endpoint: server.endpoint } }
}

const doctor = async (place: Place, ...more: string[]) =>
  new Map(
    objects(await ckpt(["doctor", place.url, "--json", ...flagsOf(place), ...more])).map(({ check, ...rest }) => [
      check,
      rest,
    ]),
  )

describe("the doctor", () => {
  test("tells which action the credentials may not do, and what to do", async () => {
    let denied = ""
    const place = await service({ deny: ({ permission }) => permission === denied })
    await seed(place, 2)
    denied = "storage.objects.delete"
    const deleting = await doctor(place)
    expect(deleting.get("delete")).toMatchObject({
      status: "problem",
      advice: expect.stringContaining("the right to delete"),
    })
    expect(deleting.get("create")).toMatchObject({ status: "ok" })
    denied = "storage.objects.create"
    const creating = await doctor(place)
    expect(creating.get("create")).toMatchObject({ status: "problem" })
    expect(creating.get("replace only this version")).toMatchObject({ status: "skipped" })
    expect(creating.get("checkpoints")).toMatchObject({ status: "ok" })
    denied = "storage.objects.list"
    const listing = await ckpt(["doctor", place.url, ...flagsOf(place)])
    expect(listing.code).toBe(3)
    expect(listing.stdout).toContain("✗ reachable")
    expect(listing.stdout).toContain("Check the credentials")
  })

  test("tells of a clock that is wrong", async () => {
    const place = await service({ now: () => Date.now() + 10 * 60_000 })
    await seed(place, 1)
    expect((await doctor(place)).get("clock")).toMatchObject({
      status: "warning",
      found: expect.stringMatching(/^the storage is (9m 59s|10m)( \ds)? ahead of this machine$/),
    })
  })
})

test("a command on credentials that may only read does all that reads", async () => {
  let writes = true
  const place = await service({ deny: ({ permission }) => !writes && /create|delete|update/.test(permission) })
  await seed(place)
  writes = false
  for (const args of [
    ["ls"],
    ["show", "latest"],
    ["verify", "--all", "--deep"],
    ["recover"],
    ["diff", "1", "2"],
    ["prune", "last=1"],
    ["gc"],
    ["rm", "1"],
  ]) {
    const [name = "", ...rest] = args
    const outcome = await ckpt([name, place.url, ...rest, ...flagsOf(place)])
    expect(outcome, args.join(" ")).toMatchObject({ code: 0 })
  }
  expect(await ckpt(["prune", place.url, "last=1", "--yes", ...flagsOf(place)])).toMatchObject({ code: 3 })
})

test("a watch goes on over an outage, and says so", async () => {
  const place = await memoryStorage.newPlace()
  await seed(place, 1)
  await using writer = await opened(place)
  const { backend, store } = writer
  const list = backend.list.bind(backend)
  let failures = 0
  // More than the attempts of one request.
  const outage = 6
  const watching = ckpt(["watch", place.url, "--every", "10ms", "--count", "1", ...flagsOf(place)], {
    onOutput(text) {
      if (!text.includes("the latest so far")) return
      backend.list = (...args) => {
        if (failures++ < outage) throw new BackendError("transient", "nobody answers")
        return list(...args)
      }
    },
  })
  while (failures <= outage) await new Promise(setImmediate)
  await store.saveNext()
  const { code, stdout, stderr } = await watching
  expect(code).toBe(0)
  expect(stderr).toMatch(/list is tried again: nobody answers/)
  expect(stderr).toMatch(/nobody answers.* \(CKPT_IO\); looking again/)
  expect(stdout).toMatch(/^2 {2}/m)
})

describe("Azure's variables of the environment", () => {
  const azure = inject("azure")
  test.runIf(azure !== undefined)("a connection string, and one of another account", async () => {
    const { connectionString = "", accountName = "" } = azure ?? {}
    const env = { AZURE_STORAGE_CONNECTION_STRING: connectionString }
    const missing = await ckpt(["ls", `az://${accountName}/no-such-container/x`], { env })
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining("CKPT_DENIED") })
    const other = await ckpt(["ls", "az://somebody/container/x"], { env })
    expect(other.code).toBe(2)
    expect(other.stderr).toContain(`the connection string is of the account ${accountName}, and the URL of somebody`)
    expect(other.stderr).not.toContain("AccountKey")
  })
})
