import { spawn } from "node:child_process"
import { once } from "node:events"
import { createReadStream } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { Packed } from "./packed.js"
import { publicPackages, repository } from "./public-packages.js"
import { tarOf } from "./tar-of.js"

/**
 * A registry on loopback, so that `npm install` runs as a page has it: our packages as they are packed, and those of others as the
 * workspace has installed them.
 */
export interface Registry {
  readonly url: string
  close(): Promise<void>
}

interface Version {
  readonly manifest: { readonly version: string; readonly [field: string]: unknown }
  tarball(): Readable
}

export async function serveRegistry(packed: Packed): Promise<Registry> {
  const others = await installedPackages()
  const versionsOf = async (name: string): Promise<Version[]> => {
    if (publicPackages.some((one) => one.name === name)) {
      const manifest = JSON.parse(await packed.file(name, "package.json"))
      return [{ manifest, tarball: () => createReadStream(packed.path(name)) }]
    }
    const versions = (others.get(name) ?? []).map(async (folder) => ({
      manifest: JSON.parse(await readFile(join(folder, "package.json"), "utf8")),
      tarball: () => spawn("tar", tarOf(folder, "-"), { stdio: ["ignore", "pipe", "inherit"] }).stdout,
    }))
    return Promise.all(versions)
  }

  const server = createServer((request, response) => {
    answer(request.url ?? "", response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the registry listens on no port")
  const url = `http://127.0.0.1:${address.port}`

  /** `/@ckpt%2ffs` is a package, and `/@ckpt%2ffs/0.0.0` the tarball of a version. */
  async function answer(path: string, response: ServerResponse): Promise<void> {
    const [name = "", wanted] = path.slice(1).split("/").map(decodeURIComponent)
    const versions = await versionsOf(name)
    if (wanted !== undefined) {
      const version = versions.find(({ manifest }) => manifest.version === wanted)
      if (version !== undefined) return pipeline(version.tarball(), response)
    }
    if (wanted !== undefined || versions.length === 0) return void response.writeHead(404).end("{}")
    const entries = versions.map(({ manifest }) => {
      const tarball = `${url}/${encodeURIComponent(name)}/${manifest.version}`
      return [manifest.version, { ...manifest, dist: { tarball } }] as const
    })
    const tags = { latest: entries.at(-1)?.[0] }
    response.end(JSON.stringify({ name, "dist-tags": tags, versions: Object.fromEntries(entries) }))
  }

  return {
    url,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

/** The folders of each package that pnpm has installed, one a version. */
async function installedPackages(): Promise<Map<string, string[]>> {
  const store = join(repository, "node_modules/.pnpm")
  const packages = new Map<string, string[]>()
  const seen = new Set<string>()
  // A name is such as `@hono+node-server@2.1.9_hono@4.13.19`: behind the version, what it was installed beside.
  for (const entry of await readdir(store)) {
    const [, flat, version] = /^(@?[^@]+)@([^_(]+)/.exec(entry) ?? []
    if (flat === undefined || seen.has(`${flat}@${version}`)) continue
    seen.add(`${flat}@${version}`)
    const name = flat.replace("+", "/")
    packages.set(name, [...(packages.get(name) ?? []), join(store, entry, "node_modules", name)])
  }
  return packages
}
