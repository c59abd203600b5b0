import { urlExamples } from "@ckpt/core/adapter"
import { Argument, type Command, InvalidArgumentError, Option } from "commander"
import type { StoreToServe } from "../page/door.js"
import { servePage } from "../page/serve.js"
import { openStoreUrl } from "../stores/open.js"
import type { OpenedStore } from "../stores/opened.js"
import { parseStoreUrl } from "../stores/url.js"
import { collect, parseInterval } from "./arguments.js"
import type { Context } from "./context.js"
import { plainCommand, type StoreFlags } from "./store-command.js"

interface ServeFlags extends StoreFlags {
  readonly host: string
  readonly port: number
  readonly token?: string
  readonly allowWrites?: true
  readonly allowHost?: readonly string[]
  /** Milliseconds. */
  readonly verifyEvery?: number
}

const usualPort = 4747

/** `ckpt serve`: a local page of one store, or of several side by side. */
export function serveCommand(context: Context): Command {
  const examples = [
    "serve file:./data",
    "serve s3://bucket/orders s3://bucket/payments --region eu-central-1",
    "serve file:./data --verify-every 10s",
    "serve file:/srv/job --host 0.0.0.0 --token $(openssl rand -hex 16)",
  ]
  return plainCommand(
    "serve",
    "Serve a page of checkpoints, on this machine; it changes nothing unless you allow it.",
    examples,
  )
    .addArgument(new Argument("<stores...>", `their URLs: ${urlExamples}`))
    .option("--host <address>", "the address to listen on; any but loopback needs --token", "127.0.0.1")
    .option("--port <number>", "the port; 0: a free one", parsePort, usualPort)
    .addOption(
      new Option(
        "--token <text>",
        "what a request must bring; by default a new one, in the address that is printed",
      ).env("CKPT_TOKEN"),
    )
    .option("--allow-writes", "the page may prune, remove, pin and unpin")
    .option("--allow-host <name>", "a further name of this page, as behind a proxy; may be given again", collect)
    .option(
      "--verify-every <duration>",
      "verify one checkpoint so often, such as 10s: new ones first, then the one verified longest ago",
      parseInterval,
    )
    .action((urls: string[], flags: ServeFlags) => serve(context, urls, flags))
}

async function serve(context: Context, urls: readonly string[], flags: ServeFlags): Promise<void> {
  const { terminal, signal } = context
  const { host, port, token, allowWrites = false, allowHost: allowHosts, verifyEvery: verifyEveryMs } = flags
  const opened: OpenedStore[] = []
  const stores = urls.map((url) => storeOf(context, url, flags, opened))
  try {
    const page = await servePage(stores, { host, port, token, allowWrites, allowHosts, verifyEveryMs })
    try {
      if (flags.json) await terminal.json("serving", { url: page.url, stores: urls, allowWrites })
      else await terminal.print(page.url)
      if (!flags.json)
        terminal.note(`${allowWrites ? "The page may change the stores" : "The page changes nothing"}. Ctrl-C ends it.`)
      await ended(signal)
    } finally {
      await page.close()
    }
  } finally {
    await Promise.all(opened.map((one) => one.close()))
  }
}

/** A URL that cannot be used ends the command; a storage that cannot be reached is told on the page, and tried again. */
function storeOf({ cwd, env }: Context, url: string, flags: ServeFlags, opened: OpenedStore[]): StoreToServe {
  const { layout, backend, endpoint, region, credentials, timeout: timeoutMs, allowWrites } = flags
  return {
    url,
    name: parseStoreUrl(url).name,
    async open(signal) {
      const how = { layout, backend, endpoint, region, credentials, timeoutMs, cwd, env, signal }
      const store = await openStoreUrl(url, { ...how, readOnly: allowWrites !== true })
      opened.push(store)
      return store
    },
  }
}

/** Until Ctrl-C, which is how a page ends, and no failure. */
function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError("Give a port from 0 to 65535.")
}
