import { BlobServiceClient, ContainerClient } from "@azure/storage-blob"
import { AzureBackend, openAzureStore } from "@ckpt/azure"
import { inject } from "vitest"
import type { Cloud, Place, RequestKind } from "./cloud.js"

const server = inject("azure")
if (server === undefined) throw new Error("no Azure server; see packages/test-servers/README.md")
const { connectionString } = server
const [, endpoint = "", account = ""] = /BlobEndpoint=(https?:\/\/[^/;]+)\/([^;]*)/.exec(connectionString) ?? []
const place = ({ endpoint: at, bucket }: Place) => ({
  container: bucket,
  connectionString: connectionString.replace(endpoint, at),
})

export const azure: Cloud = {
  name: "azure",
  endpoint,
  async createBucket(name) {
    await BlobServiceClient.fromConnectionString(connectionString).createContainer(name)
  },
  // Azurite looks through all of its blobs every ten minutes, and answers nobody meanwhile.
  async dropBucket(name) {
    await BlobServiceClient.fromConnectionString(connectionString).deleteContainer(name)
  },
  options: place,
  openStore: (at, options) => openAzureStore({ ...place(at), ...options }),
  openBackend: (at) => {
    const { container, connectionString: text } = place(at)
    return new AzureBackend(new ContainerClient(text, container))
  },
  see({ method, path, query }) {
    const [bucket, ...rest] = path.slice(`/${account}/`.length).split("/")
    const key = rest.length > 0 ? rest.join("/") : undefined
    const comp = query.get("comp")
    const kind = (): RequestKind => {
      if (method === "PUT" && comp === "block") return "part"
      if (method === "PUT" && comp === "blocklist") return "completion"
      if (method === "PUT" && comp === null) return "put"
      if (method === "HEAD") return "head"
      if (method === "DELETE" || (method === "POST" && comp === "batch")) return "delete"
      if (method !== "GET") return "other"
      return comp === "list" ? "list" : "get"
    }
    return { kind: kind(), bucket, key }
  },
  errorBody:
    '<?xml version="1.0" encoding="utf-8"?><Error><Code>InternalError</Code><Message>The server encountered an internal error.</Message></Error>',
}
