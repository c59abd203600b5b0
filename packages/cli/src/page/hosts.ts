import { isIP } from "node:net"

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  const plain = bare(host)
  return plain === "localhost" || plain === "::1" || /^127\.\d+\.\d+\.\d+$/.test(plain)
}

/**
 * The names under which the page answers. On loopback: the names of loopback, with any port, as behind `ssh -L`. On another address
 * also every address that is written as a number, since no name leads there; and the names that are allowed.
 */
export function servesHost(host: string, allowed: readonly string[]): (hostname: string) => boolean {
  const names = new Set([host, ...allowed].map(bare))
  const isOpen = !isLoopback(host)
  return (hostname) => {
    const plain = bare(hostname)
    return names.has(plain) || isLoopback(plain) || (isOpen && isIP(plain) !== 0)
  }
}

/** A host as it stands in a URL. */
export function inUrl(host: string): string {
  return isIP(bare(host)) === 6 ? `[${bare(host)}]` : host
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
}
