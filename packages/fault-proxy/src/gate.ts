import type { Gate, ProxiedRequest } from "./fault.js"

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
