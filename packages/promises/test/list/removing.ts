import { core, type OnePromise } from "../promise.js"

const coreReadme = "packages/core/README.md"
const storePage = "docs/store/README.md"
const fsReadme = "packages/fs/README.md"
const protocol = "docs/protocol/removing.md"

export const removingPromises: readonly OnePromise[] = [
  {
    says: "The latest valid checkpoint and every checkpoint above it always stay.",
    standsIn: [
      [coreReadme, "**The latest valid checkpoint always stays.**"],
      [coreReadme, "The latest valid checkpoint, every checkpoint above it, and every pinned checkpoint always stay"],
      [protocol, "Nothing at or above V is ever deleted"],
      ["docs/operations.md", "which keeps the latest valid checkpoint at any age"],
      ["docs/reference.md", "the latest valid checkpoint and all above it always stay"],
    ],
    checks: [
      {
        explored: [
          "retention at the latest valid checkpoint",
          "remove at the latest valid checkpoint",
          "collection at or above the latest valid checkpoint",
        ],
      },
    ],
  },
  {
    says: "Nothing is removed because of a checkpoint that a crash may still undo.",
    standsIn: [
      [fsReadme, "is one that no power cut takes away"],
      [protocol, "V is durable"],
    ],
    checks: [
      { explored: ["others go because of a checkpoint that a crash may still undo"] },
      {
        scenario: "retention: nothing goes because of a checkpoint that a crash may still undo",
        mutants: [
          core(
            "the latest valid checkpoint need not be durable",
            "history/summary",
            "if (await isDurable(verifier.place, one.outline, listed.state, signal))",
            "if (true)",
          ),
        ],
      },
      {
        scenario: "retention: a checkpoint that a crash may still undo fills no place of the rules",
        mutants: [
          core(
            "what lies above the latest valid checkpoint fills a place",
            "retention/prune",
            "const judged = counting.filter(({ id }) => id <= latestValid);",
            "const judged = counting;",
          ),
        ],
      },
      {
        scenario: "retention: a commit that a crash may still undo is not the latest: the one before it stays too",
        mutants: [
          core(
            "the latest commit need not be durable",
            "retention/prune",
            "if (await isDurable(place, outline, view.listing.states.get(id), signal))",
            "if (true)",
          ),
        ],
      },
      {
        scenario: "collectOrphans: no state goes because of a checkpoint that a crash may still undo",
        mutants: [
          core(
            "the checkpoint of the pointer need not be durable",
            "retention/orphans",
            "(await isDurable(history.place, { id: named, version: found.manifestMeta?.version }, found.stateMeta, signal))",
            "true",
          ),
        ],
      },
    ],
  },
  {
    says: "What is pinned stays until it is unpinned.",
    standsIn: [
      [storePage, "retention leaves them alone"],
      [protocol, "What is pinned is always kept"],
    ],
    checks: [
      {
        explored: [
          "a pin is not written",
          "retention does not spare what is pinned",
          "a pin does not ask whether its checkpoint still counts",
          "a pin is made over a history that was replaced meanwhile",
        ],
      },
      {
        scenario: "pin: a checkpoint that a crash may still undo is not pinned",
        mutants: [
          core(
            "a pin need not have a durable checkpoint",
            "history/pin",
            "if (!(await isDurable(history.place, { id, version }, undefined, signal)))",
            "if (false)",
          ),
        ],
      },
    ],
  },
  {
    says: "A damaged checkpoint fills no place of `last`.",
    standsIn: [[coreReadme, "A damaged checkpoint does not count towards `last`"]],
    checks: [
      {
        scenario:
          "prune removes a damaged checkpoint once as many valid ones lie above it as the policy keeps, and no earlier",
        mutants: [
          core(
            "damaged checkpoints fill the places of last",
            "retention/policy",
            "const valid = all.filter((summary) => summary.valid);",
            "const valid = all;",
          ),
        ],
      },
    ],
  },
  {
    says: "A manifest of a newer version always stays.",
    standsIn: [
      [coreReadme, "A manifest of a newer version of this library always stays"],
      ["docs/compatibility.md", "Retention never removes them"],
    ],
    checks: [
      {
        scenario: "prune keeps a checkpoint of a newer version, however many valid ones lie above it",
        mutants: [
          core(
            "a newer version is damage like any other",
            "retention/policy",
            '|| issues.some(({ code }) => code === "manifest-version")',
            "",
          ),
        ],
      },
    ],
  },
  {
    says: "A dry run removes nothing.",
    standsIn: [[coreReadme, "`prune(policy, { dryRun: true })` reports what it would remove"]],
    checks: [
      {
        scenario: "retention: a dry run of prune reports the same as a real run and writes nothing",
        mutants: [
          core(
            "a dry run removes",
            "retention/prune",
            "if (dryRun || doomed.length === 0)",
            "if (doomed.length === 0)",
          ),
        ],
      },
      {
        scenario: "orphans: a dry run of collectOrphans reports the same as a real run and writes nothing",
        mutants: [
          core(
            "a dry collection removes",
            "retention/orphans",
            "if (dryRun)\n        removed.push(...keys);\n    else if (keys.length > 0) {",
            "if (keys.length > 0) {",
          ),
        ],
      },
    ],
  },
  {
    says: "A failure of retention fails no save, and is reported.",
    standsIn: [[coreReadme, "A failure of retention is the event `retention-failed`"]],
    checks: [
      {
        scenario: "a save succeeds if the retention after it fails, and the failure is a retention-failed event",
        mutants: [
          core(
            "a failure of retention is told to nobody",
            "retention/background",
            "if (failure !== undefined)",
            "if (false)",
          ),
        ],
      },
    ],
  },
  {
    says: "Whatever is deleted is dead before: a delete that comes late or twice does no harm.",
    standsIn: [
      [protocol, "**Every delete is of an id that is dead**"],
      ["docs/concepts/pointer.md", "**The history decides what counts.**"],
    ],
    checks: [
      {
        explored: [
          "no floor",
          "objects are deleted before the history is replaced",
          "objects are deleted although the history was not replaced",
          "the floor keeps nothing",
          "prune removes the state before the manifest",
        ],
      },
    ],
  },
  {
    says: "Collection removes no state of a save that is under way, and nothing young by the storage's clock.",
    standsIn: [
      [protocol, "and old by the storage's clock"],
      [fsReadme, "**The clock is the filesystem's.**"],
    ],
    checks: [
      {
        explored: [
          "collection of what is young",
          "collection by a clock of its own",
          "collection lists manifests before states",
          "collection over ids that this store is saving",
          "collection raises no floor",
        ],
      },
    ],
  },
  {
    says: "Collection leaves foreign keys alone.",
    standsIn: [[fsReadme, "Names that this package did not make are neither counted nor deleted"]],
    checks: [
      {
        scenario: "collectOrphans leaves every foreign key alone",
        mutants: [
          core(
            "names that only look like a state's are taken for one",
            "format/layout",
            "/^state-(\\d+)\\.bin$/.exec(name)",
            "/state-(\\d+)/.exec(name)",
          ),
        ],
      },
    ],
  },
]
