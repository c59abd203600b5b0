import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { endByStdin, letGo } from "./child.js"
import { parseConnectionString } from "./connection-string.js"
import { leaveOut } from "./left-out.js"
import { share } from "./shared.js"

export interface AzureServer {
  connectionString: string
  /** The URL of the account, without a slash at its end. */
  blobEndpoint: string
  accountName: string
  /** Base64. */
  accountKey: string
  /** Ends the server when its last user in this process is done; may be called again. */
  stop(): Promise<void>
}

export interface AzureServerOptions {
  /** MiB of blob content, deleted ones too, that the server takes before it refuses more; default 4096. */
  extentMemoryLimit?: number
}

const startTimeoutMs = 60_000
const remedy = "Set CKPT_TEST_AZURE_CONNECTION_STRING to any storage account."

/**
 * Loaded into azurite before its own code. First, it ends azurite with its stdin, a pipe from this process, which ends
 * with this process. Second, it switches off the search for memory to free that azurite makes every ten minutes: with
 * ten thousand blobs azurite answers nobody for minutes (seen with 3.35), and it has no option against the search. Third,
 * it keeps open connections for ten minutes and not for five seconds: tests would fail by chance if a connection were
 * closed just when its client sends. The option for that is not read (3.35).
 */
function preload(program: string): string {
  const code = `
    import { createRequire } from "node:module"
    process.stdin.on("close", () => process.exit()).resume()
    const constants = createRequire(${JSON.stringify(program)})("./utils/constants")
    constants.DEFAULT_GC_INTERVAL_MS = 2 ** 31 - 1
    constants.DEFAULT_BLOB_KEEP_ALIVE_TIMEOUT = 600`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

/**
 * A blob service: the account of CKPT_TEST_AZURE_CONNECTION_STRING, otherwise azurite on loopback, in memory, with an
 * account and key of its own. All callers in this process that ask for the same memory limit share one. It ends with
 * this process at the latest, even if that is killed. If azurite is not installed: undefined, and a line on stderr.
 *
 * @throws Error if it does not start within a minute, and with CI=true if azurite is not installed
 */
export async function startAzureServer(options: AzureServerOptions = {}): Promise<AzureServer | undefined> {
  const given = process.env["CKPT_TEST_AZURE_CONNECTION_STRING"]
  if (given) return { ...parseConnectionString(given), stop: async () => {} }
  const program = findAzurite()
  if (program === undefined) return leaveOut("Azure Blob Storage (azurite)", "azurite is not installed", remedy)
  const limit = options.extentMemoryLimit ?? 4096
  return share(`azure-${limit}`, () => startAzurite(program, limit))
}

function findAzurite(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("azurite/package.json")), "dist/src/blob/main.js")
  } catch {
    return undefined
  }
}

async function startAzurite(program: string, extentMemoryLimit: number): Promise<AzureServer> {
  const accountName = `ckpt${randomBytes(6).toString("hex")}`
  const accountKey = randomBytes(64).toString("base64")
  const flags = ["--inMemoryPersistence", "--extentMemoryLimit", `${extentMemoryLimit}`, "--blobHost", "127.0.0.1"]
  flags.push("--blobPort", "0", "--skipApiVersionCheck", "--disableTelemetry", "--silent")
  const child = spawn(process.execPath, ["--import", preload(program), program, ...flags], {
    cwd: tmpdir(),
    detached: true,
    env: { ...process.env, NODE_OPTIONS: "", AZURITE_ACCOUNTS: `${accountName}:${accountKey}` },
    stdio: ["pipe", "pipe", "pipe"],
  })
  const stop = (): Promise<void> => endByStdin(child)
  try {
    const blobEndpoint = `${await listening(child)}/${accountName}`
    letGo(child)
    const connectionString = `DefaultEndpointsProtocol=http;AccountName=${accountName};AccountKey=${accountKey};BlobEndpoint=${blobEndpoint};`
    return { connectionString, blobEndpoint, accountName, accountKey, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The address that azurite prints when it listens. */
async function listening(child: ChildProcess): Promise<string> {
  let output = ""
  const gone = new AbortController()
  const found = new Promise<string>((resolve) => {
    const look = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-10_000)
      const address = /successfully listens? on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1]
      if (address !== undefined) resolve(address)
    }
    child.stdout?.on("data", look)
    child.stderr?.on("data", look)
  })
  const exited = once(child, "exit", { signal: gone.signal }).then(() => "it ended")
  exited.catch(() => {})
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no address within ${startTimeoutMs} ms`)), startTimeoutMs)
    gone.signal.addEventListener("abort", () => clearTimeout(timer))
  })
  try {
    const address = await Promise.race([found, exited, late])
    if (address.startsWith("http")) return address
    throw new Error(address)
  } catch (error) {
    throw new Error(`azurite did not start: ${error instanceof Error ? error.message : error}\n${output}`)
  } finally {
    gone.abort()
  }
}
