import { CheckpointError } from "@ckpt/core"
import type { HttpBindings } from "@hono/node-server"
import type { Context } from "hono"
import { getCookie } from "hono/cookie"
import type { Served } from "../served.js"
import type { Frame, Theme } from "../views/frame.js"

/** What all requests share. */
export interface Pages {
  readonly all: readonly Served[]
  readonly allowWrites: boolean
  /** A page that shows an older listing has the store looked at again. */
  readonly maxAgeMs: number
  /** A page waits for a look so long, and is shown without it then. */
  readonly patienceMs: number
  /** Counted apart, so that whoever follows verifications keeps no page from its news. */
  readonly listeners: { readonly news: Listeners; readonly verifications: Listeners }
}

/** How many follow events now, each with a connection of its own. */
export interface Listeners {
  count: number
}

/** What one request carries. */
export interface Env {
  Bindings: HttpBindings
  Variables: {
    /** The store that the URL names. */
    served: Served
  }
}

export function frameFor(c: Context<Env>, { all }: Pages): Pick<Frame, "all" | "theme"> {
  const theme = getCookie(c, "ckpt_theme")
  return { all, theme: theme === "light" || theme === "dark" ? theme : ("auto" satisfies Theme) }
}

/** Asked by the browser's script, which takes a part of the answer into the page that is open. */
export function isForScript(c: Context<Env>): boolean {
  return c.req.header("x-requested-by") === "page"
}

/**
 * A checkpoint's id, as a URL or a form has it.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function idOf(text: string | undefined): number {
  const id = Number(text)
  if (text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(id) && id > 0) return id
  throw new CheckpointError("CKPT_INVALID", "A checkpoint's id is a whole number from 1.")
}

/**
 * A number of the query; undefined if it is not there.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function numberOf(c: Context<Env>, name: string): number | undefined {
  const text = c.req.query(name)
  if (text === undefined || text === "") return undefined
  const value = Number(text)
  if (Number.isFinite(value)) return value
  throw new CheckpointError("CKPT_INVALID", `${name} must be a number.`)
}
