import { GcsBackend, openGcsStore } from "@ckpt/gcs"
import { Storage } from "@google-cloud/storage"
import { inject } from "vitest"
import type { Cloud, Place, RequestKind } from "./cloud.js"

const { endpoint } = inject("gcs")
const place = ({ endpoint: apiEndpoint, bucket }: Place) => ({ bucket, apiEndpoint, projectId: "test" })

export const gcs: Cloud = {
  name: "gcs",
  endpoint,
  async createBucket(name) {
    await new Storage({ apiEndpoint: endpoint, projectId: "test" }).createBucket(name)
  },
  options: place,
  openStore: (at, options) => openGcsStore({ ...place(at), ...options }),
  openBackend: ({ endpoint: apiEndpoint, bucket }) =>
    new GcsBackend({ client: new Storage({ apiEndpoint, projectId: "test" }), bucket }),
  see({ method, path, query, headers }) {
    const [, bucket, key] = /\/b\/([^/]+)\/o(?:\/(.+))?$/.exec(path) ?? []
    const name = key ?? query.get("name") ?? undefined
    const kind = (): RequestKind => {
      if (path.startsWith("/upload/")) {
        const type = query.get("uploadType")
        if (type === "multipart") return "put"
        if (method === "POST") return "begin"
        const range = headers["content-range"] ?? ""
        if (method !== "PUT" || range.startsWith("bytes */")) return "other"
        return range.endsWith("/*") ? "part" : "completion"
      }
      if (method === "DELETE") return "delete"
      if (method !== "GET") return "other"
      if (key === undefined) return "list"
      return query.get("alt") === "media" ? "get" : "head"
    }
    return { kind: kind(), bucket, key: name }
  },
  errorBody: JSON.stringify({ error: { code: 503, message: "backend error", errors: [{ reason: "backendError" }] } }),
}
