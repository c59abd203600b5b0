// Checks of promises of the suite for storages.
import assert from "node:assert/strict"
import { backendCases, checkBackend, describeBackend } from "@ckpt/conformance"
import { MemoryBackend } from "@ckpt/memory"

export const suitePrograms = {
  "no case has more than 32 backends open at once": async () => {
    let [open, most] = [0, 0]
    const factory = () => {
      const shared = new MemoryBackend()
      return {
        open() {
          most = Math.max(most, ++open)
          const dispose = async () => {
            open--
          }
          return new Proxy(shared, {
            get: (backend, name) => {
              const value = Reflect.get(backend, name)
              if (name === Symbol.asyncDispose) return dispose
              return typeof value === "function" ? value.bind(backend) : value
            },
          })
        },
      }
    }
    const cases = backendCases.filter(({ name }) => /^(?:create|replace):/.test(name))
    const results = await checkBackend({ factory, cases })
    assert.deepEqual(
      results.filter(({ result }) => result === "failed"),
      [],
    )
    assert.ok(most > 3 && most <= 32, `${most} at once`)
    assert.equal(open, 0)
  },

  "a case that is left out is not registered with the runner": async () => {
    /** @type {string[]} */
    const registered = []
    const lacking = () => {
      const backend = new MemoryBackend()
      Object.defineProperty(backend, "leftovers", { value: undefined })
      return { open: () => backend }
    }
    const about = backendCases.filter(({ name }) => /^(?:leftovers|create):/.test(name))
    await describeBackend({ factory: lacking, cases: about, test: (name) => registered.push(name) })
    assert.ok(registered.some((name) => name.startsWith("create:")))
    assert.deepEqual(
      registered.filter((name) => name.startsWith("leftovers:")),
      [],
    )
  },
}
