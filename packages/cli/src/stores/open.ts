import { type LayoutName, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"
import { connectModule } from "./backend-module.js"
import { closeInTime } from "./close.js"
import type { ConnectOptions } from "./connect.js"
import { findLayout } from "./layout.js"
import type { OpenedStore } from "./opened.js"
import { connectScheme } from "./schemes.js"
import { invalid, parseStoreUrl } from "./url.js"

/** How to open a store, beside its URL. */
export interface OpenUrlOptions
  extends Partial<ConnectOptions>,
    Pick<StoreOptions, "layout" | "onEvent" | "retry" | "timeoutMs"> {
  /** The module of a third party's backend; see {@link connectModule}. */
  readonly backend?: string | undefined
  /** Ends the look at the layout. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens the store that a URL names. Asks the storage for the layout, unless it is said.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for a URL or options that cannot be used, or a package that is not installed; `CKPT_DENIED`,
 *   `CKPT_TIMEOUT` and `CKPT_IO` if the storage cannot be reached
 */
export async function openStoreUrl(text: string, options: OpenUrlOptions = {}): Promise<OpenedStore> {
  const { layout, backend: module, signal, onEvent, retry, timeoutMs, ...rest } = options
  const connecting: ConnectOptions = { cwd: process.cwd(), env: process.env, ...rest }
  assertEndpoint(rest.endpoint)
  const url = parseStoreUrl(text)
  const connect = module === undefined ? connectScheme(url, connecting) : connectModule(module, url, connecting)
  const { backend, prefix, usualLayout, folder, timeoutMs: usualTimeoutMs } = await untilAborted(connect, signal)
  try {
    const open = (found: LayoutName) =>
      openCheckpointStore({
        ...{ backend, prefix, layout: found, onEvent, retry, ownsBackend: true },
        readOnly: rest.readOnly ?? false,
        timeoutMs: timeoutMs ?? usualTimeoutMs,
      })
    // Core waits for a call that ignores its signal until the time-out; whoever interrupts waits no longer than the close below does.
    const look = () => untilAborted(findLayout({ backend, prefix, retry, timeoutMs, signal }, usualLayout), signal)
    const found = layout ?? (await look())
    const store = await open(found)
    const place = { url: text, name: url.name, layout: found, prefix, ...(folder === undefined ? {} : { folder }) }
    return { ...place, ...(timeoutMs === undefined ? {} : { timeoutMs }), store, backend, close: () => store.close() }
  } catch (error) {
    await closeInTime(backend[Symbol.asyncDispose](), { signal, hasFailed: true })
    throw error
  }
}

function assertEndpoint(endpoint: string | undefined): void {
  if (endpoint === undefined || (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint))) return
  throw invalid(`--endpoint ${JSON.stringify(endpoint)} is no address; write one such as https://host:9000`)
}
