import { exit } from "../output/exit.js"
import { clean, messageOf } from "../output/text.js"
import type { Context } from "./context.js"

interface Failure {
  readonly key: string
  readonly message: string
}

/** What a change could not remove, as `--json` has it. */
export function failuresOf({
  failures,
}: {
  readonly failures: readonly { readonly key: string; readonly error: unknown }[]
}): Failure[] {
  return failures.map(({ key, error }) => ({ key, message: messageOf(error) }))
}

/** Tells each on stderr, unless it stands in the JSON, and makes the command fail. */
export function tellFailures(
  { terminal, finish }: Context,
  failures: readonly Failure[],
  json: true | undefined,
): void {
  if (failures.length === 0) return
  finish(exit.refused)
  if (json) return
  for (const { key, message } of failures) terminal.note(`ckpt: ${clean(key)} could not be removed: ${clean(message)}`)
}
