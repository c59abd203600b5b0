/** What one question of the doctor found. */
export interface Finding {
  /** The question, such as "create only if absent". Its words do not change. */
  readonly check: string
  /** `problem`: somebody must act. `warning`: worth knowing. `skipped`: it was not asked, `found` says why. */
  readonly status: "ok" | "warning" | "problem" | "skipped"
  /** What was found, for people. */
  readonly found: string
  /** What to do, for people. Absent where nothing is to be done. */
  readonly advice?: string
}

export function ok(check: string, found: string): Finding {
  return { check, status: "ok", found }
}

export function warning(check: string, found: string, advice: string): Finding {
  return { check, status: "warning", found, advice }
}

export function problem(check: string, found: string, advice: string): Finding {
  return { check, status: "problem", found, advice }
}

export function skipped(check: string, found: string): Finding {
  return { check, status: "skipped", found }
}
