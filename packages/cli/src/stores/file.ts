import { pathToFileURL } from "node:url"
import { folderOfUrl } from "@ckpt/core/adapter"
import { fromUrl } from "@ckpt/fs"
import type { Connected, ConnectOptions } from "./connect.js"

export async function connectFile(url: string, options: ConnectOptions): Promise<Connected> {
  const { cwd, readOnly, mayBeNew = false } = options
  const folder = folderOfUrl(url, cwd)
  const place = await fromUrl(pathToFileURL(folder).href, { readOnly, mustExist: !mayBeNew })
  return { ...place, usualLayout: "directory", folder }
}
