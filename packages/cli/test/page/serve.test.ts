import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { expect, onTestFinished, test } from "vitest"
import { CkptProcess, ckpt, memoryModule, objects } from "../ckpt.js"
import { damage, writeJob } from "./job.js"
import { ask, memoryStore, read, serve } from "./serving.js"

async function folderWithJob(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-serve-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const store = await openFsStore(folder)
  await writeJob(store, { checkpoints: 4, startMs: Date.now() - 200_000 })
  await store.close()
  return folder
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "ckpt serve prints its address, serves the stores, and ends with 0 by %s",
  async (signal) => {
    const folder = await folderWithJob()
    const served = new CkptProcess(["serve", `file:${folder}`, "file:./not-there-yet", "--port", "0"], { cwd: folder })
    onTestFinished(() => void served.child.kill("SIGKILL"))
    await served.lines(1)
    const [url = ""] = served.stdout.split("\n")
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{22}$/)
    const { headers } = await ask(url)
    const cookie = String(headers["set-cookie"]).split(";")[0] ?? ""
    // A page waits for the first look no longer than a reader would: on a slow machine it says first that it looks.
    let body = ""
    while (/^$|class="looking">Looking/.test(body))
      ({ body } = await ask(new URL("/", url).href, { headers: { cookie } }))
    expect(body).toMatch(/Recovery takes[\s\S]*>4<\/a>[\s\S]*not-there-yet[\s\S]*CKPT_IO/)
    expect((await ask(new URL("/", url).href)).status).toBe(401)
    served.child.kill(signal)
    expect(await served.ended).toEqual({ code: 0, signal: null })
    expect(served.stderr).toContain("The page changes nothing. Ctrl-C ends it.")
  },
)

test("--json tells the address as an object; --token and CKPT_TOKEN choose the token, --allow-writes lets it write", async () => {
  const folder = await folderWithJob()
  const args = ["serve", `file:${folder}`, "--port", "0", "--json", "--allow-writes"]
  const served = new CkptProcess(args, { env: { CKPT_TOKEN: "from-the-environment" } })
  onTestFinished(() => void served.child.kill("SIGKILL"))
  await served.lines(1)
  const [told] = objects(served)
  expect(told).toMatchObject({ v: 1, type: "serving", stores: [`file:${folder}`], allowWrites: true })
  const { origin, searchParams } = new URL(String(told?.["url"]))
  expect(searchParams.get("token")).toBe("from-the-environment")
  const headers = { authorization: "Bearer from-the-environment" }
  const slug = folder
    .split("/")
    .at(-1)
    ?.toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
  const sent = await ask(`${origin}/s/${slug}/c/1/remove`, { method: "POST", headers })
  expect(sent.status).toBe(303)
  const left = await openFsStore(folder, { readOnly: true })
  expect(await left.ids()).toEqual([2, 3, 4])
  await left.close()
})

test.each([
  [["serve"], 2, /missing required argument/],
  [["serve", "nonsense"], 2, /no URL of a store/],
  [["serve", "file:./data", "--port", "70000"], 2, /a port from 0 to 65535/],
  [["serve", "file:./data", "--host", "0.0.0.0"], 2, /needs a token: --token/],
  [["serve", "file:./data", "--verify-every", "5"], 2, /a number and a unit/],
])("what cannot be served is told: %j", async (args, code, message) => {
  const outcome = await ckpt(args)
  expect(outcome).toMatchObject({ code, stdout: "" })
  expect(outcome.stderr).toMatch(message)
})

test("a port that another program has is told", async () => {
  const other = createServer().listen(0, "127.0.0.1")
  onTestFinished(() => void other.close())
  await once(other, "listening")
  const { port } = other.address() as AddressInfo
  const outcome = await ckpt(["serve", "mem:jobs", "--backend", memoryModule, "--port", String(port)])
  expect(outcome.code).toBe(3)
  expect(outcome.stderr).toMatch(/Another program has this port/)
})

test("--verify-every finds a byte that rots, also in a checkpoint that was sound before", async () => {
  const folder = await folderWithJob()
  const store = await openFsStore(folder)
  const opened = await memoryStore("unused")
  const page = await serve([{ ...opened, name: "job", store, close: () => store.close() }], { verifyEveryMs: 1 })
  const damaged = async () =>
    Number(/^ckpt_damaged_checkpoints\{.*\} (\d+)$/m.exec((await read(page, "/metrics")).body)?.[1])
  const valid = async () => /of (\d+)<\/p>/.exec((await read(page, "/s/job/?show=valid")).body)?.[1]
  await expect.poll(valid).toBe("4")
  expect(await damaged()).toBe(0)
  await damage(folder, 2, "state.bin")
  await expect.poll(damaged).toBe(1)
  expect((await read(page, "/s/job/?show=damaged")).body).toMatch(/c\/2">2<\/a>[\s\S]*state-checksum/)
})
