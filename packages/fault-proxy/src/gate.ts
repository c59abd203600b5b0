import type { ProxiedRequest } from "./request.js"

/** Where requests wait until a test lets them go: `{ kind: "hold", until: gate }`. */
export interface Gate {
  /** Resolves with the first request that waits here, once its whole body has arrived. */
  readonly reached: Promise<ProxiedRequest>
  readonly released: Promise<void>
  /** Lets go what waits, and whatever comes later. */
  release(): void
  /** Called by the proxy. */
  reach(request: ProxiedRequest): void
}

export function createGate(): Gate {
  let release = () => {}
  let reach = (_request: ProxiedRequest) => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const reached = new Promise<ProxiedRequest>((resolve) => {
    reach = resolve
  })
  return { reached, released, release, reach }
}
