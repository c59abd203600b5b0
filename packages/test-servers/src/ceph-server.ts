import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { type Cluster, cephConf, clusterScript } from "./ceph-config.js"
import { endByStdin, letGo } from "./child.js"
import { isolation } from "./host.js"
import { freePort } from "./loopback.js"
import type { S3Server } from "./s3-endpoint.js"

const startTimeoutMs = 120_000

// Removes the folder after every process in the namespaces has ended, even if this process has ended before.
const keeper = `unshare ${isolation.join(" ")} sh "$2/cluster.sh" "$1" "$2"; rm -rf --one-file-system "$2"`

/**
 * Starts a Ceph cluster of one node with an S3 gateway from the given root folder.
 *
 * @throws Error with what the daemons printed if it does not serve within two minutes
 */
export async function startCeph(root: string): Promise<S3Server> {
  const monPort = await freePort()
  const s3Port = await freePort()
  const accessKeyId = `ckpt${randomBytes(8).toString("hex")}`
  const secretAccessKey = randomBytes(20).toString("hex")
  const cluster: Cluster = { fsid: randomUUID(), monPort, s3Port, accessKeyId, secretAccessKey }
  const data = await mkdtemp(join(tmpdir(), "ckpt-ceph-"))
  for (const folder of ["mon", "osd", "rgw"]) await mkdir(join(data, folder))
  await writeFile(join(data, "ceph.conf"), cephConf(cluster))
  await writeFile(join(data, "cluster.sh"), clusterScript(cluster))
  // A session of its own: Ctrl-C in the terminal then reaches this process alone, and the end of stdin ends the cluster.
  const child = spawn("sh", ["-c", keeper, "ceph", root, data], { detached: true, stdio: ["pipe", "pipe", "inherit"] })
  const endpoint = `http://127.0.0.1:${s3Port}`
  const stop = async (): Promise<void> => {
    await endByStdin(child)
    await rm(data, { recursive: true, force: true })
  }
  try {
    await serving(child, endpoint)
  } catch (error) {
    const output = await readFile(join(data, "output.log"), "utf8").catch(() => "")
    await stop()
    throw new Error(`Ceph did not start: ${error instanceof Error ? error.message : error}\n${output}`)
  }
  letGo(child)
  return { endpoint, region: "us-east-1", accessKeyId, secretAccessKey, stop }
}

/** Waits until the gateway answers 200. */
async function serving(child: ChildProcess, endpoint: string): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  let failed = false
  child.stdout?.on("data", (text: Buffer) => {
    failed ||= text.includes("failed")
  })
  child.once("exit", () => {
    failed = true
  })
  while (!failed && Date.now() < deadline) {
    if (await answers(endpoint)) return
    await delay(25)
  }
  throw new Error(failed ? "a command of its start failed" : `no answer within ${startTimeoutMs} ms`)
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) })
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}
