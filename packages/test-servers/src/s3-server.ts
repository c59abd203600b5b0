import { cephInstalled, installCeph } from "./ceph-install.js"
import { startCeph } from "./ceph-server.js"
import { type Host, thisHost } from "./host.js"
import { leaveOut } from "./left-out.js"
import type { S3Server } from "./s3-endpoint.js"
import { share } from "./shared.js"

const remedy =
  "Set CKPT_TEST_S3_ENDPOINT (and CKPT_TEST_S3_REGION, CKPT_TEST_S3_ACCESS_KEY_ID, CKPT_TEST_S3_SECRET_ACCESS_KEY) to any S3 server."

/**
 * A real S3 server: that of CKPT_TEST_S3_ENDPOINT, otherwise a Ceph RADOS gateway on loopback, which is installed into
 * the cache folder first if need be (minutes). All callers in this process share one. It ends with this process at the
 * latest, even if that is killed. On a machine that cannot run it: undefined, and a line on stderr.
 *
 * @throws Error if it cannot be installed or started, and with CI=true if this machine cannot run it
 */
export async function startS3Server(host: Host = thisHost): Promise<S3Server | undefined> {
  const given = givenServer()
  if (given !== undefined) return given
  const reason = await whyNot(host)
  if (reason !== undefined) return leaveOut("an S3 server (Ceph RGW)", reason, remedy)
  return share("s3", async () => startCeph(await installCeph()))
}

function givenServer(): S3Server | undefined {
  const endpoint = process.env["CKPT_TEST_S3_ENDPOINT"]
  if (!endpoint) return undefined
  return {
    endpoint,
    region: process.env["CKPT_TEST_S3_REGION"] || "us-east-1",
    accessKeyId: needed("CKPT_TEST_S3_ACCESS_KEY_ID"),
    secretAccessKey: needed("CKPT_TEST_S3_SECRET_ACCESS_KEY"),
    stop: async () => {},
  }
}

function needed(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`CKPT_TEST_S3_ENDPOINT is set, ${name} is not: the tests need both`)
  return value
}

async function whyNot(host: Host): Promise<string | undefined> {
  if (host.platform !== "linux") return `it runs on Linux only, and this is ${host.platform}`
  if (host.uid !== 0) return "only root can install and start it"
  if (!cephInstalled() && !host.has("apt-get")) return "it is installed with apt-get, which is not here"
  if (!(await host.canIsolate())) return "this user may not make namespaces (unshare)"
  return undefined
}
