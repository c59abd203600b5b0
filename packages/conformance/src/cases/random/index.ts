import { AssertionError } from "node:assert/strict"
import fc from "fast-check"
import type { BackendCase } from "../../harness/case.js"
import { withScript } from "../../harness/report.js"
import { MiB } from "../support/boundaries.js"
import { commandsOf, settle } from "./commands.js"
import { Model, type Real } from "./model.js"

/** How long a failing sequence is shortened, in milliseconds. */
const shorteningMs = 20_000

/** Sequences of calls that nobody thought of, compared with a model, call by call. */
export const randomCases: readonly BackendCase[] = [
  {
    name: "random: any sequence of calls, by three backends, ends as the contract says",
    loses: "after some sequence of saves, reads and removals a checkpoint would be lost, or another be read for it.",
    async run({ backend, another, thorough, seed: given, note }) {
      const seed = given ?? Math.floor(Math.random() * 2 ** 31)
      const backends = [backend, await another(), await another()]
      let runs = 0
      let end = given === undefined ? Date.now() + (thorough ? 120_000 : 1_500) : Number.POSITIVE_INFINITY
      let failure: { readonly error: unknown; readonly script: readonly string[] } | undefined
      const commands = fc.commands(commandsOf(backend, thorough ? 20 * MiB : 300_000), { maxCommands: 30, size: "max" })
      const property = fc.asyncProperty(commands, async (sequence) => {
        // A slow storage gets fewer sequences, unless they are those of an earlier run. A failing one is shortened for a while.
        if (runs >= 10 && Date.now() > end) return
        const model = new Model()
        const real: Real = { backends, prefix: `run-${++runs}-`, script: [] }
        try {
          await fc.asyncModelRun(() => ({ model, real }), sequence)
          await settle(model, real)
        } catch (error) {
          if (failure === undefined) end = Date.now() + shorteningMs
          failure = { error, script: real.script }
          throw error
        }
      })
      const { failed } = await fc.check(property, { seed, numRuns: thorough ? 3000 : 250 })
      note(`seed ${seed}, ${runs} sequences`)
      if (!failed || failure === undefined) return
      const { error, script } = failure
      const what = `a random sequence of calls, made as short as it fails (seed: ${seed})`
      const cause = error instanceof AssertionError ? error : undefined
      const observed = {
        message: `${what}: ${cause?.message ?? "a call"}`,
        expected: cause === undefined ? "no error" : cause.expected,
        actual: cause === undefined ? error : cause.actual,
        operator: cause?.operator ?? "throws",
      }
      throw withScript(new AssertionError(observed), script)
    },
  },
]
