import { parseArgs } from "node:util"

export const usage = `npm run bench -- [options]

  --only fs,4KiB   only what has all of these words in its name; see --list
  --list           the names of all measurements
  --rounds 20      rounds of each measurement, instead of what its size suggests
  --quick          fewer rounds, 512 MiB instead of 2 GiB, 1,000 instead of 10,000: minutes, and less certain
  --json FILE      everything that was measured, every round
  --dir FOLDER     where to measure; default the system's folder for temporary files
  --update-docs    writes the tables into docs/performance; with --only, growth, import or langgraph alone
  --no-build       measures what dist holds
`

/** @param {string[]} args */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      list: { type: "boolean", default: false },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      dir: { type: "string" },
      "update-docs": { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1)) {
    throw new Error(`--rounds is ${values.rounds}; give a whole number from 1`)
  }
  // These have places of their own there.
  if (values["update-docs"] && values.only !== undefined && !["growth", "import", "langgraph"].includes(values.only)) {
    throw new Error("--update-docs with --only would replace the results of a whole run by a part of one")
  }
  return {
    help: values.help,
    list: values.list,
    quick: values.quick,
    json: values.json,
    dir: values.dir,
    updateDocs: values["update-docs"],
    build: !values["no-build"],
    rounds,
    words: (values.only ?? "").toLowerCase().split(",").filter(Boolean),
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} words
 */
export function isWanted(name, words) {
  const parts = name.toLowerCase().split(" ")
  return words.every((word) => parts.includes(word))
}
