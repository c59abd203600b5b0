import { cli, core, type OnePromise } from "../promise.js"

const readme = "packages/cli/README.md"

export const commandPromises: readonly OnePromise[] = [
  {
    says: "`ckpt` removes nothing unasked: without `--yes` it shows what would go.",
    standsIn: [[readme, "**Nothing is removed unasked.**"]],
    checks: [
      {
        program: "ckpt prune, rm and gc remove nothing without --yes",
        mutants: [
          cli("prune acts at once", "commands/prune", "const acts = flags.yes === true;", "const acts = true;"),
          cli("rm acts at once", "commands/rm", "const acts = flags.yes === true;", "const acts = true;"),
          cli(
            "gc acts at once",
            "commands/gc",
            "readOnly: flags.yes !== true }, async (opened) => {\n        if (flags.yes === true) {",
            "readOnly: false }, async (opened) => {\n        if (true) {",
          ),
        ],
      },
    ],
  },
  {
    says: "Names of others cannot harm a terminal.",
    standsIn: [[readme, "**Names cannot harm.**"]],
    checks: [
      {
        program: "ckpt show spells out what a terminal would obey",
        mutants: [
          cli(
            "names go to the terminal as they are",
            "output/text",
            "return text.replace(/[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]/gu, (character) => {",
            "return text.replace(/(?!)/gu, (character) => {",
          ),
        ],
      },
    ],
  },
  {
    says: "`ckpt prune` and `ckpt rm` leave the last sound checkpoint, also where a latest one has rotten bytes.",
    standsIn: [[readme, "**The last sound checkpoint stays.**"]],
    checks: [
      {
        program: "ckpt prune keeps the last checkpoint whose bytes verify",
        mutants: [
          cli(
            "the latest state is not read before a prune",
            "commands/prune",
            "await latestSound(changed, signal);",
            "",
          ),
        ],
      },
    ],
  },
  {
    says: "`ckpt` takes nobody's lead unasked, and claims no store that nobody claimed.",
    standsIn: [[readme, "**Nobody is fenced unasked.**"]],
    checks: [
      {
        program: "ckpt changes a claimed store with --claim alone, and claims no other",
        mutants: [
          cli(
            "a claimed store is changed as any other",
            "commands/changing",
            "if (claim !== true) {",
            "if (lead.epoch === 0) {",
          ),
          cli(
            "a store that nobody claimed is claimed",
            "commands/changing",
            "if (lead.epoch === 0 && lead.lost === undefined) {",
            "if (false) {",
          ),
        ],
      },
    ],
  },
  {
    says: "What `ckpt` writes has its name once it is whole.",
    standsIn: [[readme, "**Nothing half done has a name.**"]],
    checks: [
      {
        program: "ckpt export that is killed leaves nothing under the name of its file",
        mutants: [
          cli(
            "a tar is written under its own name",
            "output/whole-file",
            ".unfinished-$" + '{randomBytes(8).toString("hex")}`;',
            "`;",
          ),
        ],
      },
    ],
  },
  {
    says: "`ckpt cat` writes the last bytes of a state only after its checksum matched.",
    standsIn: [[readme, "**Nothing damaged is passed on.**"]],
    checks: [
      {
        program: "ckpt cat of a state with a flipped bit fails, and does not end it",
        mutants: [
          core(
            "a state is read without its checksum",
            "state/reader",
            "if (checksum !== undefined && digest?.has(checksum) === false) {",
            "if (false) {",
          ),
        ],
      },
    ],
  },
  {
    says: "Answers of `ckpt` go to stdout, and all else to stderr.",
    standsIn: [[readme, "**Answers go to stdout, all else to stderr.**"]],
    checks: [
      {
        program: "ckpt ls and rm write answers to stdout, and notes to stderr",
        mutants: [
          cli(
            "notes go to stdout",
            "output/terminal",
            "void this.#take(this.#err, ",
            "void this.#take(process.stdout, ",
          ),
        ],
      },
    ],
  },
  {
    says: "Exit codes tell scripts what happened.",
    standsIn: [[readme, "**Exit codes and JSON do not change**"]],
    checks: [
      {
        program: "ckpt says by its exit code what happened",
        mutants: [
          cli("a wrong command is a refusal", "output/exit", "usage: 2,", "usage: 1,"),
          cli(
            "whatever is not there is fine",
            "output/exit",
            "CKPT_NOT_FOUND: exit.refused,",
            "CKPT_NOT_FOUND: exit.fine,",
          ),
        ],
      },
    ],
  },
]
