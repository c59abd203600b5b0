import type { LayoutName } from "@ckpt/core"
import { urlExamples } from "@ckpt/core/adapter"
import { Argument, Command, Option } from "commander"
import { collect, parseInterval } from "./arguments.js"

/** The options of every command that opens a store. */
export interface StoreFlags {
  readonly json?: true
  readonly layout?: LayoutName
  readonly backend?: string
  readonly endpoint?: string
  readonly region?: string
  readonly credentials?: string
  /** Milliseconds. */
  readonly timeout?: number
}

/** A command whose first argument is a store. */
export function storeCommand(name: string, summary: string, examples: readonly string[]): Command {
  return plainCommand(name, summary, examples).addArgument(new Argument("<store>", `its URL: ${urlExamples}`))
}

/** A command with the options of a store, and no argument yet. */
export function plainCommand(name: string, summary: string, examples: readonly string[]): Command {
  const command = new Command(name)
    .description(summary)
    .option("--json", "answer with JSON, one object a line (docs/cli-json.md has the shapes)")
    .optionsGroup("Options of the store:")
  for (const option of connectionOptions("")) command.addOption(option)
  const lines = examples.map((example) => `  $ ckpt ${example}`)
  return command.optionsGroup("Options:").addHelpText("after", `\nExamples:\n${lines.join("\n")}`)
}

/** @param prefix put before each name, for the second store of a command */
export function connectionOptions(prefix: "" | "to-"): Option[] {
  return [
    new Option(`--${prefix}layout <name>`, "how its keys are made; by default it is looked up").choices([
      "directory",
      "objects",
    ]),
    new Option(`--${prefix}backend <module>`, "a module whose default export makes the backend from the URL"),
    new Option(`--${prefix}endpoint <url>`, "the address of the service, if it is not the provider's own"),
    new Option(`--${prefix}region <name>`, "the region of the bucket"),
    new Option(`--${prefix}credentials <file>`, "a JSON file; by default what the SDK finds in its environment"),
    new Option(`--${prefix}timeout <duration>`, "how long one request may stand still, such as 30s").argParser(
      parseInterval,
    ),
  ]
}

/** Refuses an option that is given twice: the command would take the last value, and say nothing of the first. */
export function refuseTwice(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option.parseArg === collect) continue
    let isGiven = false
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: option '${option.flags}' stands there twice. Give it once.`)
      isGiven = true
    })
  }
}

/** The flag that makes a command act. */
export const yesFlag = ["--yes", "act; without it, the command only prints what it would do"] as const

/** The flag of a command that changes a claimed store. */
export const claimFlag = [
  "--claim",
  "take the lead of a claimed store; whoever leads now is refused from then on, and must claim again",
] as const
