import { createHash, timingSafeEqual } from "node:crypto"
import type { ServerResponse } from "node:http"
import type { HttpBindings } from "@hono/node-server"
import type { Context, MiddlewareHandler } from "hono"
import { getCookie, setCookie } from "hono/cookie"
import { asksForToken, refused } from "./views/refusals.js"

/** Who may ask, and under which names. */
export interface Access {
  /** Every request but those for static files must have it. */
  readonly token: string
  /** Whether a host, as it stands in a URL, is this page. See `servesHost`. */
  readonly isOurs: (hostname: string) => boolean
  /** Called for each request that has the token, with its response. */
  readonly onToken: (response: ServerResponse) => void
}

/**
 * Refuses whoever must not ask, in this order: a foreign `Host` (a page elsewhere whose name was made to lead here: DNS
 * rebinding), a foreign `Origin` (a page elsewhere that sends requests here), a path that names a host, and a request without the
 * token.
 *
 * A browser gives the token once, in the URL that `ckpt serve` prints, and keeps it in a cookie that scripts cannot read. Programs
 * give it as `Authorization: Bearer`.
 */
export function gate({ token, isOurs, onToken }: Access): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (c, next) => {
    const host = urlOf(`http://${c.req.header("host") ?? ""}`)
    if (host === undefined || !isOurs(host.hostname)) {
      return refused(
        c,
        421,
        "This name is not one of this page.",
        "Start ckpt serve with --allow-host NAME to serve it under another name.",
      )
    }
    if (!isSameOrigin(c, host)) {
      return refused(
        c,
        403,
        "A page elsewhere sent this request.",
        "Open this page by its own address, and do it here.",
      )
    }
    const url = new URL(c.req.url)
    // In a redirect, or as the address of a form, "//name/" leads to another host.
    if (url.pathname.startsWith("//")) {
      return refused(c, 400, "No page has this path.", "Open the address that ckpt serve printed.")
    }
    if (c.req.path.startsWith("/assets/")) return next()
    // Cookies do not keep ports apart: two of these pages on one machine must not overwrite each other's.
    const cookie = `ckpt_token_${host.port || "80"}`
    const given = c.req.query("token")
    if (given !== undefined && c.req.method === "GET" && isSame(given, token)) {
      setCookie(c, cookie, token, { httpOnly: true, sameSite: "Lax", path: "/" })
      url.searchParams.delete("token")
      return c.redirect(`${url.pathname}${url.search}`, 303)
    }
    const [, bearer] = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? []
    const shown = bearer ?? getCookie(c, cookie)
    if (shown === undefined || !isSame(shown, token)) return asksForToken(c)
    onToken(c.env.outgoing)
    return next()
  }
}

/**
 * A browser names the origin of a request that changes something, and of every request from a script elsewhere. A program names none,
 * and then has no cookie either.
 */
function isSameOrigin(c: Context, host: URL): boolean {
  const origin = c.req.header("origin")
  if (origin !== undefined) return urlOf(origin)?.host === host.host
  const site = c.req.header("sec-fetch-site")
  const changes = c.req.method !== "GET" && c.req.method !== "HEAD"
  if (site === undefined) return !changes || c.req.header("cookie") === undefined
  // A link from elsewhere may lead here; nothing else from elsewhere may.
  const isLink = c.req.header("sec-fetch-mode") === "navigate" && c.req.header("sec-fetch-dest") === "document"
  return site === "same-origin" || (!changes && (site === "none" || isLink))
}

/** Takes the same time wherever the two differ. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [given, token].map((text) => createHash("sha256").update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
