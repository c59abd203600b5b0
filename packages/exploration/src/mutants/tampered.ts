import { edit, type Mutant } from "./mutant.js"

/** What is done about objects that are garbled or put back as they were, each left out. */
export const tamperedMutants: readonly Mutant[] = [
  {
    name: "a garbled pointer is an error",
    edits: [
      edit(
        "history/pointer-file",
        'if (problem !== undefined)\n            this.#emit({ type: "pointer-unreadable", key: this.key, reason: problem });',
        'if (problem !== undefined)\n            throw new BackendError("damaged", problem);',
      ),
    ],
    plans: ["pointer lost"],
  },
  {
    name: "recovery looks at the size of a state alone",
    edits: [edit("verify/find-state", "state.digest?.has(stateChecksum) === false", "false")],
    plans: ["states damaged", "damage at rest"],
  },
  {
    name: "a reader does not verify what it reads",
    edits: [edit("state/reader", "digest?.has(checksum) === false", "false")],
    plans: ["states damaged"],
  },
  {
    name: "a state that was written after its manifest passes for its own",
    edits: [edit("verify/verifier", "state.lastModified <= manifest.lastModified", "true")],
    plans: ["states damaged"],
  },
]
