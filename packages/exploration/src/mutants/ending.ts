import { edit, type Mutant } from "./mutant.js"

/** What is promised of a call that is given up, and of a store that is closed, each left out. */
export const endingMutants: readonly Mutant[] = [
  {
    name: "a call that is given up waits for its request",
    edits: [
      edit(
        "store/calls",
        "return await untilAborted(this.#gate.run(operation, () => task(trace)), signal);",
        "return await this.#gate.run(operation, () => task(trace));",
      ),
    ],
    plans: ["aborts"],
  },
  {
    name: "the abort of one call ends what another reads",
    edits: [
      edit("history/pointer-file", "reading !== undefined && reading.signal === signal", "reading !== undefined"),
    ],
    plans: ["aborts", "closing"],
  },
  {
    name: "an abort ends work that others wait for too",
    edits: [edit("async/shared-work", "if (!signal?.aborted || running.waiting > 1)", "if (!signal?.aborted)")],
    plans: ["aborts", "closing"],
  },
  {
    name: "a save that was given up passes for refused",
    edits: [
      edit(
        "store/calls",
        "catch (error) {\n                signal?.throwIfAborted();",
        'catch (error) {\n                if (signal?.aborted) throw new CheckpointError("CKPT_IO", "given up");',
      ),
    ],
    plans: ["aborts"],
  },
  {
    name: "close waits for no call",
    edits: [edit("store/calls", "await this.#gate.ended();", "")],
    plans: ["closing"],
  },
  {
    name: "a save that fails does not wait for its pointer",
    edits: [edit("commit/acknowledge", "await together([moving, ", "await Promise.all([moving, ")],
    plans: ["closing"],
  },
  {
    name: "close does not wait for requests that were given up",
    edits: [edit("storage/storage", "if (!requests.isIdle)", "if (false)")],
    plans: ["closing"],
  },
  {
    name: "close does not wait for retention",
    edits: [
      edit(
        "store/reading",
        "await this.calls.close();\n            await this.retention?.idle();",
        "await this.calls.close();",
      ),
    ],
    plans: ["closing"],
  },
  {
    name: "a closed store goes on with what was begun",
    edits: [edit("async/gate", "if (this.#isShut)\n            throw this.#refusal(what);", "")],
    plans: ["closing"],
  },
]
