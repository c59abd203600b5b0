import { setTimeout as pause } from "node:timers/promises"

/** Milliseconds without a new request, after which all are answered together: none of them waited for another's answer. */
const quietMs = 30

const requestNames = new Set(["get", "head", "put", "delete", "now"])

/**
 * A backend that can count round trips: the longest chain of requests of which each waits for the one before.
 *
 * @param {any} backend in memory
 */
export function inRounds(backend) {
  /** @type {(() => void)[]} */
  let waiting = []
  let lastAt = 0
  let isCounting = false
  let requests = 0
  /** @returns {Promise<void>} */
  const turn = () => {
    if (!isCounting) return Promise.resolve()
    requests++
    lastAt = performance.now()
    return new Promise((resolve) => waiting.push(resolve))
  }
  return {
    backend: new Proxy(backend, {
      get(target, name) {
        const value = Reflect.get(target, name, target)
        if (name === "list")
          return async function* (/** @type {any[]} */ ...given) {
            await turn()
            yield* value.apply(target, given)
          }
        if (!requestNames.has(String(name))) return value
        return async (/** @type {any[]} */ ...given) => {
          await turn()
          return value.apply(target, given)
        }
      },
    }),
    /**
     * @param {() => Promise<unknown>} run
     * @returns {Promise<{ requests: number, roundTrips: number }>}
     */
    async count(run) {
      isCounting = true
      requests = 0
      let roundTrips = 0
      let isOver = false
      const running = run().finally(() => {
        isOver = true
      })
      while (!isOver) {
        await pause(quietMs)
        if (waiting.length === 0 || performance.now() - lastAt < quietMs) continue
        roundTrips++
        const answered = waiting
        waiting = []
        for (const answer of answered) answer()
      }
      isCounting = false
      await running
      return { requests, roundTrips }
    },
  }
}
