import { Hono } from "hono"
import { html } from "hono/html"
import { HTTPException } from "hono/http-exception"
import { secureHeaders } from "hono/secure-headers"
import { asset } from "./assets.js"
import { failureOf } from "./failure.js"
import { type Access, gate } from "./gate.js"
import { metricsText } from "./metrics.js"
import { changeRoutes } from "./routes/changes.js"
import { dataRoutes } from "./routes/data.js"
import { type Env, frameFor, type Pages } from "./routes/env.js"
import { jobRoutes } from "./routes/jobs.js"
import { liveRoutes } from "./routes/live.js"
import { viewRoutes } from "./routes/views.js"
import { page } from "./views/frame.js"
import { homeView } from "./views/home.js"
import { failed } from "./views/parts.js"
import { refused } from "./views/refusals.js"

/** Bytes of a request's body: a form with a few fields. */
const maxBody = 64 * 1024

/** Every request, from the gate to the views. */
export function makeApp(pages: Pages, access: Access): Hono<Env> {
  const app = new Hono<Env>()
  app.use(
    secureHeaders({
      // Nothing but our own files runs, draws or is asked for; no form leads elsewhere, and no page elsewhere frames this one.
      contentSecurityPolicy: {
        ...{
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'"],
          connectSrc: ["'self'"],
        },
        ...{ formAction: ["'self'"], frameAncestors: ["'none'"], baseUri: ["'none'"] },
        ...{ requireTrustedTypesFor: ["'script'"], trustedTypes: ["'none'"] },
      },
      ...{ crossOriginResourcePolicy: "same-origin", crossOriginOpenerPolicy: "same-origin", xFrameOptions: "DENY" },
      ...{ referrerPolicy: "no-referrer", strictTransportSecurity: false },
    }),
  )
  app.use(async (c, next) => {
    await next()
    // Pages say what lies in a store: no cache keeps them.
    if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store")
  })
  app.use(gate(access))
  app.use(async (c, next) => {
    // A length is known before anything is read. A request without one, and without pieces, has no body.
    if (c.req.header("transfer-encoding") !== undefined)
      return refused(c, 411, "The request does not say how long it is.", "Send it with a Content-Length.")
    if (Number(c.req.header("content-length") ?? 0) > maxBody)
      return refused(c, 413, "The request is too large.", "Send a form of this page.")
    return next()
  })

  app.get("/assets/:name", (c) => {
    const found = asset(c.req.param("name"))
    if (found === undefined) return c.notFound()
    const isThis = new URL(c.req.url).search === `?${found.hash}`
    c.header("Cache-Control", isThis ? "max-age=31536000, immutable" : "no-cache")
    return c.body(found.body, 200, { "Content-Type": found.type })
  })
  app.get("/metrics", async (c) =>
    c.body(await metricsText(pages.all), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }),
  )
  app.get("/", async (c) => {
    const [only] = pages.all
    if (pages.all.length === 1 && only !== undefined) return c.redirect(`/s/${only.slug}/`)
    await Promise.all(pages.all.map(({ looker }) => looker.recent(pages.maxAgeMs, pages.patienceMs)))
    return c.html(page({ ...frameFor(c, pages), title: "All stores" }, homeView(pages.all, Date.now())))
  })

  app.use("/s/:slug/*", async (c, next) => {
    const served = pages.all.find(({ slug }) => slug === c.req.param("slug"))
    if (served === undefined) return c.notFound()
    c.set("served", served)
    return next()
  })
  viewRoutes(app, pages)
  dataRoutes(app)
  liveRoutes(app, pages)
  jobRoutes(app, pages)
  changeRoutes(app, pages)

  app.notFound((c) => refused(c, 404, "There is no such page.", "Go back to the stores: /"))
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse()
    const failure = failureOf(error)
    const status = statuses[failure.code] ?? 500
    if (!(c.req.header("accept") ?? "").includes("text/html")) return c.json(failure, status)
    const frame = { ...frameFor(c, pages), served: c.get("served"), title: failure.code }
    return c.html(page(frame, html`<h1>This cannot be shown</h1>${failed(failure, failure.code)}`), status)
  })
  return app
}

const statuses: Readonly<Record<string, 400 | 403 | 404 | 409 | 503 | 504>> = {
  CKPT_INVALID: 400,
  CKPT_READ_ONLY: 403,
  CKPT_NOT_FOUND: 404,
  CKPT_PRUNED: 404,
  CKPT_CONFLICT: 409,
  CKPT_FENCED: 409,
  CKPT_CORRUPT: 409,
  CKPT_IO: 503,
  CKPT_DENIED: 503,
  CKPT_TIMEOUT: 504,
}
