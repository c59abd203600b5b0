import { lazySdk } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { readCredentials } from "./credentials.js"

const loadPackage = lazySdk({ name: "@ckpt/azure", from: import.meta.url, load: () => import("@ckpt/azure") })

export async function connectAzure(url: string, options: ConnectOptions): Promise<Connected> {
  const { fromUrl } = await loadPackage()
  const given = await readCredentials(options, ["connectionString", "accountKey", "sasToken"])
  const secrets = given ?? fromEnv(options.env)
  // A connection string has the address, too.
  const accountUrl = secrets.connectionString === undefined ? options.endpoint?.replace(/\/+$/, "") : undefined
  return { ...(await fromUrl(url, { ...secrets, accountUrl })), usualLayout: "objects" }
}

interface Secrets {
  readonly connectionString?: string
  readonly accountKey?: string
  readonly sasToken?: string
}

/** The variables are those of Azure's own command. */
function fromEnv(env: NodeJS.ProcessEnv): Secrets {
  const { AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN } = env
  if (AZURE_STORAGE_CONNECTION_STRING) return { connectionString: AZURE_STORAGE_CONNECTION_STRING }
  if (AZURE_STORAGE_KEY) return { accountKey: AZURE_STORAGE_KEY }
  return AZURE_STORAGE_SAS_TOKEN ? { sasToken: AZURE_STORAGE_SAS_TOKEN } : {}
}
