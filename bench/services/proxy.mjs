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

/**
 * Delays each direction by half of the delay, for any number of bytes: latency costs no throughput here. A new
 * connection costs one more round trip, as its handshake would.
 *
 * @param {number} port of the server, on the loopback interface
 * @param {number} delayMs added to each round trip
 * @returns {Promise<number>} the port to use instead
 */
function start(port, delayMs) {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true })
    const openAt = performance.now() + delayMs
    client.on("data", (piece) => {
      received += piece.length
      if (requestLine.test(piece.toString("latin1", 0, 16))) requests++
    })
    forward(client, upstream, delayMs / 2, openAt)
    forward(upstream, client, delayMs / 2, 0)
  })
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(/** @type {import("node:net").AddressInfo} */ (server.address()).port))
  })
}

/**
 * @param {import("node:net").Socket} from
 * @param {import("node:net").Socket} to
 * @param {number} delayMs
 * @param {number} notBefore
 */
function forward(from, to, delayMs, notBefore) {
  from.on("error", () => to.destroy())
  if (delayMs === 0) return void from.pipe(to)
  /** @type {{ at: number, piece: Buffer | undefined }[]} */
  const queue = []
  let armed = false
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
      if (piece === undefined) to.end()
      else if (!to.destroyed) to.write(piece)
    }
    arm()
  }
  /** @param {Buffer} [piece] */
  const later = (piece) => {
    queue.push({ at: Math.max(performance.now(), notBefore) + delayMs, piece })
    arm()
  }
  from.on("data", later)
  from.on("end", () => later())
}
