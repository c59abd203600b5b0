import type { Seen } from "../status.js"
import { nameText, shortened } from "../text.js"
import { type Span, sampled } from "./sample.js"
import type { OperatorsData } from "./shapes.js"

const most = 1_000
/** As many as there are colours that people tell apart. */
const shownOperators = 7

export function operatorsData(checkpoints: readonly Seen[], span: Span): OperatorsData {
  const { taken, of } = sampled(checkpoints, span, most)
  const names = largest(taken).slice(0, shownOperators)
  const shown = new Set(names)
  const rows: (number | null)[][] = names.map(() => [])
  const others: (number | null)[] = []
  for (const { operators, stateSize, issues } of taken) {
    const readable =
      operators !== undefined || stateSize !== undefined || issues.every(({ severity }) => severity !== "fatal")
    for (const [at, name] of names.entries()) rows[at]?.push(readable ? (operators?.[name] ?? 0) : null)
    const rest = operators === undefined ? (stateSize ?? 0) : restOf(operators, shown)
    others.push(readable ? rest : null)
  }
  const hasOthers = others.some((bytes) => bytes !== null && bytes > 0)
  return {
    ids: taken.map(({ id }) => id),
    times: taken.map(({ time }) => time),
    names: [
      ...names.map((name) => shortened(nameText(name))),
      ...(hasOthers ? [names.length === 0 ? "state" : "others"] : []),
    ],
    bytes: hasOthers ? [...rows, others] : rows,
    of,
  }
}

/** The names of all operators, by the bytes of all their states. */
function largest(checkpoints: readonly Seen[]): string[] {
  const sums = new Map<string, number>()
  for (const { operators = {} } of checkpoints) {
    for (const name in operators) sums.set(name, (sums.get(name) ?? 0) + (operators[name] ?? 0))
  }
  return [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name)
}

function restOf(operators: Readonly<Record<string, number>>, shown: ReadonlySet<string>): number {
  let sum = 0
  for (const name in operators) if (!shown.has(name)) sum += operators[name] ?? 0
  return sum
}
