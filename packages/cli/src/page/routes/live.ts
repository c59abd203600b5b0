import type { Context, Hono } from "hono"
import { type SSEStreamingApi, streamSSE } from "hono/streaming"
import type { News } from "../data/shapes.js"
import { type Served, stateOf } from "../served.js"
import { refused } from "../views/refusals.js"
import type { Env, Listeners, Pages } from "./env.js"

/** Pages that listen at once, and verifications that are followed at once: each keeps a connection. */
const maxListeners = 100
/** A connection that is gone without a word is noticed by the next of these. */
const beatMs = 15_000

/** Tells an open page that there is something new, for which it then asks; and looks again for whoever will not wait. */
export function liveRoutes(app: Hono<Env>, pages: Pages): void {
  app.post("/s/:slug/look", async (c) => {
    const { slug, looker } = c.get("served")
    void looker.look()
    await looker.recent(Number.POSITIVE_INFINITY, 2_000)
    return c.redirect(`/s/${slug}/`, 303)
  })
  app.get("/live", (c) => follow(c, pages, pages.all))
  app.get("/s/:slug/live", (c) => follow(c, pages, [c.get("served")]))
}

function follow(c: Context<Env>, { listeners }: Pages, all: readonly Served[]): Response | Promise<Response> {
  return events(c, listeners.news, (changed) => {
    const letGo = all.map(({ looker }) => looker.watch(changed))
    return {
      state: () => {
        const looked = Object.fromEntries(all.map(({ slug, looker }) => [slug, looker.now.listing?.at ?? 0]))
        return JSON.stringify({ state: stateOf(all), looked } satisfies News)
      },
      end() {
        for (const one of letGo) one()
      },
    }
  })
}

interface Source {
  /** What is sent, whenever it is another text than before. */
  state(): string
  /** No more is needed. */
  end(): void
  /** True after the last state. */
  isOver?(): boolean
}

/** Sends the state now, and whenever it has changed; at most ten times in a second. Refused if too many listen already. */
export function events(
  c: Context<Env>,
  listeners: Listeners,
  open: (changed: () => void) => Source,
): Response | Promise<Response> {
  if (listeners.count >= maxListeners) return refused(c, 503, "Too many pages are open.", "Close some.")
  c.header("X-Accel-Buffering", "no")
  return streamSSE(c, async (out) => {
    listeners.count++
    const wakes = new Wakes()
    const source = open(() => wakes.wake())
    out.onAbort(() => wakes.wake())
    try {
      await send(out, source, wakes)
    } finally {
      listeners.count--
      source.end()
    }
  })
}

async function send(out: SSEStreamingApi, source: Source, wakes: Wakes): Promise<void> {
  let sent: string | undefined
  while (!out.aborted && !out.closed) {
    const isOver = source.isOver?.() === true
    const state = source.state()
    if (state !== sent) await out.writeSSE({ event: isOver ? "over" : "state", data: state })
    else await out.write(": beat\n\n")
    sent = state
    if (isOver) return
    await wakes.next(beatMs)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Remembers that something has changed until somebody asks. */
class Wakes {
  #isDue = false
  #wake: (() => void) | undefined

  wake(): void {
    this.#isDue = true
    this.#wake?.()
  }

  /** Resolves at the next change, or the change since the last call, or after so long. */
  async next(ms: number): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#isDue = false
    this.#wake = undefined
  }
}
