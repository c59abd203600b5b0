/**
 * The kind of an issue, for a program to branch on. Codes do not change; messages may.
 *
 * Warnings, with which a checkpoint is valid:
 *
 * - `version-zero`: the manifest says version 0.
 * - `timestamp-zero`: the manifest does not say when it was taken.
 * - `sink-status-missing`: a sink has an epoch and no commit status, while other sinks have one.
 * - `source-unnamed`: a source has offsets and is not in `sourceNames`, while other sources are.
 * - `vnode-count`: the number of virtual partitions is 0, or another than the store expects.
 * - `state-unverified`: there is a state, and no checksum that tells whether it is intact.
 * - `not-accepted`: the checkpoint verifies, and `accept` of `recover` passed it over.
 *
 * Fatal: the manifest cannot be read.
 *
 * - `manifest-missing`: there is no manifest, or it does not count (any more).
 * - `manifest-corrupt`: it is not UTF-8, not JSON, or not of the shape of a manifest.
 * - `manifest-checksum`: its bytes do not have the checksum that it carries.
 * - `manifest-too-large`: it has more than 64 MiB.
 * - `manifest-version`: a later release wrote it. This release does not read it, and never removes it.
 * - `number-unsafe`: it holds an id or a number beyond 2^53 - 1, which no JavaScript number holds.
 *
 * Fatal: the manifest can be read, but cannot be right.
 *
 * - `id-zero`, `epoch-zero`: it has checkpoint 0, or epoch 0.
 * - `id-mismatch`: it has another id than its name.
 * - `operator-range`: the slice of an operator is outside the state, or overlaps another one.
 * - `operator-base64`: an inline state is not base64.
 *
 * Fatal: the state is damaged.
 *
 * - `state-missing`: the manifest says that there is a state, and there is none.
 * - `state-size`: it has another number of bytes than the manifest says.
 * - `state-checksum`: it does not have the checksum that the manifest says. Found only where the bytes are read.
 */
export type IssueCode =
  | "version-zero"
  | "timestamp-zero"
  | "sink-status-missing"
  | "source-unnamed"
  | "vnode-count"
  | "state-unverified"
  | "not-accepted"
  | "manifest-missing"
  | "manifest-corrupt"
  | "manifest-checksum"
  | "manifest-too-large"
  | "manifest-version"
  | "number-unsafe"
  | "id-zero"
  | "epoch-zero"
  | "id-mismatch"
  | "operator-range"
  | "operator-base64"
  | "state-missing"
  | "state-size"
  | "state-checksum"

/**
 * One finding about a checkpoint. With a fatal issue the checkpoint is not valid, and recovery passes it over. At most 100 of one
 * code are told; one more of that code counts the others.
 */
export interface ValidationIssue {
  /** `fatal`: the checkpoint is not valid. `warning`: it can be used. */
  readonly severity: "warning" | "fatal"
  /** What was found. */
  readonly code: IssueCode
  /** The finding, for people: in which field, what was expected, what is there. */
  readonly message: string
}

/** Issues of one code that are told one by one, at most. One issue more counts the others. */
const maxIssuesOfCode = 100

export function fatal(code: IssueCode, message: string): ValidationIssue {
  return { severity: "fatal", code, message }
}

export function warning(code: IssueCode, message: string): ValidationIssue {
  return { severity: "warning", code, message }
}

/**
 * Collects the issues of one checkpoint: warnings first, then fatal issues. A code that occurs for each of many operators or
 * sinks is capped by itself, so that no issue of another code, and no severity, is lost behind it.
 */
export class Issues {
  readonly #byCode = new Map<IssueCode, { readonly told: ValidationIssue[]; others: number }>()

  /** `message` is asked only if the issue is told: a manifest may have a million faults. */
  warn(code: IssueCode, message: () => string): void {
    this.#add(code, () => warning(code, message()))
  }

  fatal(code: IssueCode, message: () => string): void {
    this.#add(code, () => fatal(code, message()))
  }

  add(issue: ValidationIssue): void {
    this.#add(issue.code, () => issue)
  }

  list(): ValidationIssue[] {
    const all = [...this.#byCode.values()].flatMap(({ told, others }) => {
      const [first] = told
      if (first === undefined || others === 0) return told
      const message = `${others} more issues of the code ${first.code}; the first ${told.length} are told one by one`
      return [...told, { ...first, message }]
    })
    return [...all.filter((one) => one.severity === "warning"), ...all.filter((one) => one.severity === "fatal")]
  }

  #add(code: IssueCode, make: () => ValidationIssue): void {
    const known = this.#byCode.get(code)
    if (known === undefined) this.#byCode.set(code, { told: [make()], others: 0 })
    else if (known.told.length < maxIssuesOfCode) known.told.push(make())
    else known.others++
  }
}
