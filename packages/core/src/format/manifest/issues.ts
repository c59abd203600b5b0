/** The kind of an issue, for a program to branch on. Codes do not change; messages may. */
export type IssueCode =
  // Warnings.
  | "version-zero"
  | "timestamp-zero"
  | "sink-status-missing"
  | "source-unnamed"
  | "vnode-count"
  | "state-unverified"
  | "not-accepted"
  // Fatal: the manifest cannot be read.
  | "manifest-missing"
  | "manifest-corrupt"
  | "manifest-checksum"
  | "manifest-too-large"
  | "manifest-version"
  | "number-unsafe"
  // Fatal: the manifest can be read, but cannot be right.
  | "id-zero"
  | "epoch-zero"
  | "id-mismatch"
  | "operator-range"
  | "operator-base64"
  // Fatal: the state is damaged.
  | "state-missing"
  | "state-size"
  | "state-checksum"

/**
 * One finding about a checkpoint. With a fatal issue the checkpoint is not valid, and recovery passes it over. At most 100 of one
 * code are told; one more of that code counts the others.
 */
export interface ValidationIssue {
  readonly severity: "warning" | "fatal"
  readonly code: IssueCode
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
