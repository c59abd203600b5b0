import { randomBytes } from "node:crypto"
import type { Server, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { CheckpointError } from "@ckpt/core"
import { createAdaptorServer } from "@hono/node-server"
import type { OpenedStore } from "../stores/opened.js"
import { makeApp } from "./app.js"
import { Connections } from "./connections.js"
import type { StoreToServe } from "./door.js"
import { inUrl, isLoopback, servesHost } from "./hosts.js"
import { Patrol } from "./patrol.js"
import { type Served, serveAll } from "./served.js"
import { Slots } from "./slots.js"

/** How the page is served. */
export interface PageOptions {
  /** The address to listen on. Default `127.0.0.1`. Any address but one of loopback needs a token. */
  readonly host?: string | undefined
  /** 0: a free one. */
  readonly port: number
  /** What every request must bring. Default, on loopback: a new one, since other users of this machine reach loopback too. */
  readonly token?: string | undefined
  /** The page may prune, remove, pin and unpin. Default false. */
  readonly allowWrites?: boolean | undefined
  /** Further names of this page, as behind a proxy. */
  readonly allowHosts?: readonly string[] | undefined
  /** Verifies one checkpoint of each store so often, in milliseconds. Default: only what somebody asks for. */
  readonly verifyEveryMs?: number | undefined
}

/** A page that is served. */
export interface ServedPage {
  /** Its address, with the token in it. */
  readonly url: string
  /** Its address. */
  readonly origin: string
  /** Ends it. The stores stay open. */
  close(): Promise<void>
}

const verifiesAtOnce = 2
const maxAgeMs = 5_000
const patienceMs = 400
/** Connections at once: a browser keeps up to six. */
const maxConnections = 512

/** Without the last, Node looks for what is late twice a minute only. */
const serverOptions = {
  ...{ maxHeaderSize: 16 * 1024, requestTimeout: 30_000, headersTimeout: 10_000 },
  connectionsCheckingInterval: 2_000,
}

/**
 * Serves a page about these stores.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for an address without a token; `CKPT_IO` if the address cannot be had
 */
export async function servePage(
  stores: readonly (OpenedStore | StoreToServe)[],
  options: PageOptions,
): Promise<ServedPage> {
  const { host = "127.0.0.1", port, allowWrites = false, allowHosts = [], verifyEveryMs } = options
  const token = tokenFor(host, options.token)
  const all: Served[] = serveAll(stores.map(toServe), new Slots(verifiesAtOnce))
  const connections = new Connections(maxConnections)
  const isOurs = servesHost(host, allowHosts)
  const onToken = (response: ServerResponse) => connections.keep(response)
  const listeners = { news: { count: 0 }, verifications: { count: 0 } }
  const app = makeApp({ all, allowWrites, maxAgeMs, patienceMs, listeners }, { token, isOurs, onToken })
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions, overrideGlobalObjects: false }) as Server
  server.on("connection", (socket) => connections.add(socket))
  const patrols = verifyEveryMs === undefined ? [] : all.map((served) => new Patrol(served, verifyEveryMs))
  const bound = await listen(server, host, port)
  const origin = `http://${inUrl(host)}:${bound}`
  return {
    origin,
    url: `${origin}/?token=${encodeURIComponent(token)}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await Promise.all([closed, ...patrols.map((one) => one.close()), ...all.map((one) => one.close())])
    },
  }
}

function toServe(store: OpenedStore | StoreToServe): StoreToServe {
  return "open" in store ? store : { url: store.url, name: store.name, open: async () => store }
}

function tokenFor(host: string, given: string | undefined): string {
  if (given === "") throw new CheckpointError("CKPT_INVALID", "The token is empty. Make one: openssl rand -hex 16.")
  if (given !== undefined) return given
  if (isLoopback(host)) return randomBytes(16).toString("base64url")
  const message = `${host} is reached from other machines, so the page needs a token: --token, or the variable CKPT_TOKEN. Make one: openssl rand -hex 16.`
  throw new CheckpointError("CKPT_INVALID", message)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const advice =
        error.code === "EADDRINUSE"
          ? "Another program has this port: choose another with --port, or 0 for a free one."
          : error.message
      reject(new CheckpointError("CKPT_IO", `${host}:${port} cannot be listened on. ${advice}`, { cause: error }))
    })
    server.listen(port, host.replace(/^\[(.*)\]$/, "$1"), () => resolve((server.address() as AddressInfo).port))
  })
}
