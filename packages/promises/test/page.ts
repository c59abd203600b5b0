import { posix } from "node:path"
import { promises } from "./list/index.js"
import type { Check, OnePromise } from "./promise.js"

const head = `# Promises

Each promise that a README or a page makes. Its page has the checks that show it, and the mutants that each check catches. A mutant is this
project with one rule left out: a check that still passes with it would show nothing. Run them with

\`\`\`sh
npm run pnpm -- --filter @ckpt/promises test      # scenarios and programs, each with each of its mutants
npm run pnpm -- --filter @ckpt/exploration test   # the exploration of schedules, with its mutants
npm run pnpm -- --filter @ckpt/memory test        # cases, over backends that lie
\`\`\`

There are four kinds of checks. *Scenarios* (of a whole store) and *cases* (of a storage alone) of
[@ckpt/conformance](../../packages/conformance) run over every storage. The [*exploration*](../../packages/exploration/README.md) plays schedules
of several processes over a simulated storage. A [*program*](../../packages/promises/test/child/programs.mjs) is about one storage, or the
command. [durability.md](../durability.md) says how much of each was run, and what none of them can see.

These pages are made by the tests from [the list](../../packages/promises/test/list). They fail if a promise has no check, a check no mutant, or
the words of a promise no longer stand where users read them.
`

/** The pages, as they must stand in docs/promises, by name. */
export function pages(): Map<string, string> {
  const made = new Map<string, string>()
  const index: string[] = []
  let number = 0
  for (const [title, list] of Object.entries(promises)) {
    const name = `${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}.md`
    const first = number + 1
    made.set(name, `# Promises: ${title}\n\n${list.map((promise) => entryOf(promise, ++number)).join("\n")}`)
    index.push(`## [${title}](${name})\n\n${list.map(({ says }, at) => `${first + at}. ${says}\n`).join("")}`)
  }
  return made.set("README.md", `${head}\n${index.join("\n")}`)
}

function entryOf({ says, standsIn, checks }: OnePromise, number: number): string {
  const places = [...new Set(standsIn.map(([file]) => file))].map((file) => `[${file}](${linkTo(file)})`)
  const rows = checks.map((check) => `| ${checkText(check)} | ${caught(check)} |`)
  return `## ${number}. ${says}\n\nStands in ${places.join(", ")}.\n\n| check | catches |\n|---|---|\n${rows.join("\n")}\n`
}

function checkText(check: Check): string {
  if ("scenario" in check) return `scenario \`${check.scenario}\``
  if ("program" in check) return `program \`${check.program}\``
  if ("explored" in check) return "exploration"
  if ("case" in check) return `case \`${check.case}\``
  return `test \`${check.test}\` in [${check.file.split("/").at(-1)}](${linkTo(check.file)})`
}

function caught(check: Check): string {
  if ("explored" in check) return check.explored.map((name) => `\`${name}\``).join("; ")
  if ("case" in check) return `backends that lie: ${check.liars.map((name) => `\`${name}\``).join("; ")}`
  if ("test" in check) return check.against
  return check.mutants.map(({ name }) => name).join("; ")
}

/** From docs/promises. */
function linkTo(file: string): string {
  return posix.relative("docs/promises", file)
}
