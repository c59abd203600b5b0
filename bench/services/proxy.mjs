// A proxy that delays requests and counts them, in a process of its own.
import { connect, createServer } from "node:net"
import { serve } from "./service.mjs"

// A client of HTTP/1.1 sends its next request after the last answer, so a request begins where a piece begins.
const requestLine = /^(GET|HEAD|PUT|POST|DELETE|PATCH) \//

let requests = 0
let received = 0

serve({
  start,
  reset() {
    requests = 0
    received = 0
  },
  counted: () => ({ requests, received }),
})

/** Bytes that wait in the proxy, at most, where a connection is limited: the sender must notice that the line is slow. */
const mostWaiting = 256 * 1024

/**
 * Delays each direction by half of the delay. A new connection costs one more round trip, as its handshake would. Latency
 * alone costs no throughput here: any number of bytes may be on their way. A limit is one for each connection and direction.
 *
 * @param {number} port of the server, on the loopback interface
 * @param {number} delayMs added to each round trip
 * @param {number | null} [bytesPerSecond] of one connection; default (null, from another process) as fast as it goes
 * @returns {Promise<number>} the port to use instead
 */
function start(port, delayMs, bytesPerSecond) {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true })
    const openAt = performance.now() + delayMs
    client.on("data", (piece) => {
      received += piece.length
      if (requestLine.test(piece.toString("latin1", 0, 16))) requests++
    })
    const line = { delayMs: delayMs / 2, bytesPerMs: (bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000 }
    forward(client, upstream, line, openAt)
    forward(upstream, client, line, 0)
    // Nobody takes the rest of the answer any more, which may wait in the server.
    client.on("close", () => upstream.destroy())
  })
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(/** @type {import("node:net").AddressInfo} */ (server.address()).port))
  })
}

/**
 * @param {import("node:net").Socket} from
 * @param {import("node:net").Socket} to
 * @param {{ delayMs: number, bytesPerMs: number }} line
 * @param {number} notBefore
 */
function forward(from, to, { delayMs, bytesPerMs }, notBefore) {
  from.on("error", () => to.destroy())
  const isLimited = bytesPerMs < Number.POSITIVE_INFINITY
  if (delayMs === 0 && !isLimited) return void from.pipe(to)
  /** @type {{ at: number, piece: Buffer | undefined }[]} */
  const queue = []
  let armed = false
  let waiting = 0
  // When the line has carried all that was sent so far.
  let freeAt = 0
  const arm = () => {
    const [next] = queue
    if (armed || next === undefined) return
    armed = true
    setTimeout(deliver, Math.max(0, next.at - performance.now()))
  }
  const deliver = () => {
    armed = false
    // Timers come a little early or late: bytes that are due within half a millisecond go now.
    const now = performance.now() + 0.5
    while (queue.length > 0 && queue[0].at <= now) {
      const { piece } = /** @type {{ piece: Buffer | undefined }} */ (queue.shift())
      waiting -= piece?.length ?? 0
      if (piece === undefined) to.end()
      else if (!to.destroyed) to.write(piece)
    }
    if (isLimited && waiting < mostWaiting) from.resume()
    arm()
  }
  /** @param {Buffer} [piece] */
  const later = (piece) => {
    const bytes = piece?.length ?? 0
    freeAt = Math.max(performance.now(), notBefore, freeAt) + bytes / bytesPerMs
    waiting += bytes
    if (isLimited && waiting >= mostWaiting) from.pause()
    queue.push({ at: freeAt + delayMs, piece })
    arm()
  }
  from.on("data", later)
  from.on("end", () => later())
}
