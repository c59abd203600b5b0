import type { Context } from "hono"
import { html } from "hono/html"
import { bare } from "./frame.js"

type Status = 400 | 403 | 404 | 411 | 413 | 421 | 429 | 503

/** A request that is not served: why, and what to do. Says nothing about any store. */
export function refused(c: Context, status: Status, what: string, advice: string): Response | Promise<Response> {
  if (!(c.req.header("accept") ?? "").includes("text/html")) return c.text(`${what} ${advice}\n`, status)
  return c.html(bare("Refused", html`<h1>${what}</h1><p>${advice}</p>`), status)
}

/** For a request without the token. */
export function asksForToken(c: Context): Response | Promise<Response> {
  if (!(c.req.header("accept") ?? "").includes("text/html")) {
    const how = "This page needs its token: send it as `Authorization: Bearer TOKEN`. ckpt serve prints it.\n"
    return c.text(how, 401, { "WWW-Authenticate": "Bearer" })
  }
  const body = html`<h1>This page needs its token</h1>
<p>Open the address that <code>ckpt serve</code> printed: it ends in the token. Or enter the token here.</p>
<form method="get">
<label for="token">Token</label> <input id="token" name="token" type="password" autocomplete="off" required>
<button>Open</button>
</form>`
  return c.html(bare("Token", body), 401)
}
