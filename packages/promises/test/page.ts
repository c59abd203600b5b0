import { promises } from "./list/index.js"
import type { Check, OnePromise } from "./promise.js"

const head = `# Promises

Each promise that a README or a page makes, with the checks that show it, and the mutants that each check catches. A mutant is this
project with one rule left out: a check that still passes with it would show nothing. Run them with

\`\`\`sh
npm run pnpm -- --filter @ckpt/promises test      # scenarios and programs, each with each of its mutants
npm run pnpm -- --filter @ckpt/exploration test   # the exploration of schedules, with its mutants
npm run pnpm -- --filter @ckpt/memory test        # cases, over backends that lie
\`\`\`

Four kinds of checks: *scenarios* (of a whole store) and *cases* (of a storage alone) of [@ckpt/conformance](../packages/conformance) run over every storage; the
[*exploration*](../packages/exploration/README.md) plays schedules of several processes over a simulated storage; a
[*program*](../packages/promises/test/child/programs) is about one storage, the command, or the packages. How much of each was run, and what none of them can see: [durability.md](durability.md).

This page is made by the tests from [the list](../packages/promises/test/list). They fail if a promise has no check, a check no mutant, or
the words of a promise no longer stand where users read them.
`

/** The page, as it must stand in docs/promises.md. */
export function page(): string {
  let number = 0
  const sections = Object.entries(promises).map(([title, list]) => {
    const entries = list.map((promise) => entryOf(promise, ++number))
    return `## ${title}\n\n${entries.join("\n")}`
  })
  return `${head}\n${sections.join("\n")}`
}

function entryOf({ says, told, checks }: OnePromise, number: number): string {
  const places = [...new Set(told.map(([file]) => file))].map((file) => `[${file}](${linkTo(file)})`)
  const rows = checks.map((check) => `| ${checkText(check)} | ${caught(check)} |`)
  return `### ${number}. ${says}\n\nTold in ${places.join(", ")}.\n\n| check | catches |\n|---|---|\n${rows.join("\n")}\n`
}

function checkText(check: Check): string {
  if ("scenario" in check) return `scenario \`${check.scenario}\``
  if ("program" in check) return `program \`${check.program}\``
  if ("explored" in check) return "exploration"
  return `case \`${check.case}\``
}

function caught(check: Check): string {
  if ("explored" in check) return check.explored.map((name) => `\`${name}\``).join("; ")
  if ("case" in check) return `backends that lie: ${check.liars.map((name) => `\`${name}\``).join("; ")}`
  return check.mutants.map(({ name }) => name).join("; ")
}

/** From docs/. */
function linkTo(file: string): string {
  return file.startsWith("docs/") ? file.slice("docs/".length) : `../${file}`
}
