import { urlExamples } from "@ckpt/core/adapter"
import { connectAzure } from "./azure.js"
import type { Connected, ConnectOptions } from "./connect.js"
import { connectFile } from "./file.js"
import { connectGcs } from "./gcs.js"
import { connectS3 } from "./s3.js"
import { invalid, type StoreUrl } from "./url.js"

/** Reaches the storage that a URL names. Makes no request. */
type Connect = (url: string, options: ConnectOptions) => Promise<Connected>

/** Each loads its own package alone. */
const schemes: ReadonlyMap<string, Connect> = new Map([
  ["file", connectFile],
  ["s3", connectS3],
  ["gs", connectGcs],
  ["az", connectAzure],
])

/** @throws {CheckpointError} `CKPT_INVALID` for a scheme that is unknown */
export function connectScheme(url: StoreUrl, options: ConnectOptions): Promise<Connected> {
  const connect = schemes.get(url.scheme)
  if (connect === undefined) {
    throw invalid(`the scheme ${url.scheme}: is unknown; write ${urlExamples}, or name its module with --backend`)
  }
  return connect(url.text, options)
}
