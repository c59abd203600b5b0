export interface AzureAccount {
  connectionString: string
  blobEndpoint: string
  accountName: string
  accountKey: string
}

/**
 * The parts of a storage account's connection string.
 *
 * @throws Error if it holds no account name or key: a shared access signature is not enough for the tests
 */
export function parseConnectionString(connectionString: string): AzureAccount {
  const parts = new Map<string, string>()
  for (const part of connectionString.split(";")) {
    const equals = part.indexOf("=")
    if (equals > 0) parts.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim())
  }
  const accountName = parts.get("accountname")
  const accountKey = parts.get("accountkey")
  if (!accountName || !accountKey) {
    throw new Error("CKPT_TEST_AZURE_CONNECTION_STRING needs AccountName=…;AccountKey=…")
  }
  const protocol = parts.get("defaultendpointsprotocol") ?? "https"
  const suffix = parts.get("endpointsuffix") ?? "core.windows.net"
  const endpoint = parts.get("blobendpoint") ?? `${protocol}://${accountName}.blob.${suffix}`
  return { connectionString, blobEndpoint: endpoint.replace(/\/+$/, ""), accountName, accountKey }
}
