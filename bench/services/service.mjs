import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"

/**
 * A process of the bench's own, called by messages. A server must not share an event loop with the measured code.
 *
 * @typedef {object} Service
 * @property {(name: string, ...args: unknown[]) => Promise<any>} call
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} file beside this one
 * @returns {Service}
 */
export function startService(file) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  /** @type {Map<number, { resolve: (value: unknown) => void, reject: (reason: Error) => void }>} */
  const waiting = new Map()
  let calls = 0
  let over = false
  const ended = new Promise((resolve) => child.once("exit", resolve))
  child.on("message", (/** @type {{ id: number, value?: unknown, error?: string }} */ { id, value, error }) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(new Error(error))
  })
  child.once("exit", () => {
    over = true
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended`))
    waiting.clear()
  })
  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (over) return reject(new Error(`${file} has ended`))
        const id = ++calls
        waiting.set(id, { resolve, reject })
        child.send({ id, name, args })
      }),
    async stop() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/**
 * The side of the service: answers calls by name, and ends with the process that started it.
 *
 * @param {Record<string, (...args: any[]) => unknown>} methods
 * @param {() => unknown} [end]
 */
export function serve(methods, end) {
  process.on("message", async (/** @type {{ id: number, name: string, args: unknown[] }} */ { id, name, args }) => {
    try {
      process.send?.({ id, value: await methods[name](...args) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
    }
  })
  process.once("disconnect", async () => {
    await end?.()
    process.exit()
  })
}
