import { core, type OnePromise } from "../promise.js"

const coreReadme = "packages/core/README.md"
const storePage = "docs/store/README.md"
const fsReadme = "packages/fs/README.md"
const protocol = "docs/protocol/README.md"

export const readingPromises: readonly OnePromise[] = [
  {
    says: "Nothing damaged is returned.",
    standsIn: [
      [fsReadme, "**Nothing damaged is returned.**"],
      [coreReadme, "**Nothing damaged is returned.**"],
      ["README.md", "finds the latest checkpoint that is intact"],
      ["packages/s3/README.md", "**Nothing damaged is returned.**"],
      ["packages/s3/README.md", "the manifest's SHA-256 protects you"],
      [
        "packages/azure/README.md",
        "**Nothing damaged is returned.** The manifest's SHA-256 covers everything, end to end",
      ],
      ["packages/gcs/README.md", "**Nothing damaged is returned.**"],
      ["packages/gcs/README.md", "the manifest's SHA-256 verifies states of any length"],
      ["docs/choosing.md", "damaged bytes are never returned"],
      ["docs/concepts/sidecar.md", "**Each byte is verified.**"],
      ["SECURITY.md", "checksums of their own, lengths and depth of JSON"],
    ],
    checks: [
      {
        scenario: "a changed byte in a manifest fails the manifest's own checksum",
        mutants: [
          core(
            "a manifest is not compared with its checksum",
            "format/manifest/decode",
            "if (actual !== tail[2])",
            "if (false)",
          ),
        ],
      },
      {
        scenario: "damage: a state that has a flipped bit is skipped as state-checksum",
        mutants: [
          core(
            "a state is not compared with its checksum",
            "verify/find-state",
            "if (stateChecksum !== null && state.digest?.has(stateChecksum) === false)",
            "if (false)",
          ),
        ],
      },
    ],
  },
  {
    says: "Recovery passes over what is damaged, says why, and goes to the next older checkpoint.",
    standsIn: [
      [fsReadme, "`recover()` skips checkpoints that do not verify, and says why in `skipped`"],
      [protocol, "A damaged checkpoint is skipped and reported"],
      ["docs/concepts/checkpoint.md", "**Recovery takes the latest checkpoint that verifies.**"],
      ["docs/troubleshooting.md", "`recover()` goes past a damaged checkpoint by itself"],
    ],
    checks: [
      {
        scenario: "restore: a checkpoint that turns out damaged while it is read is skipped for the next older one",
        mutants: [
          core(
            "damage that shows while a state is read is told to nobody",
            "recovery/restore",
            "this.#onDamage(error);",
            ";",
          ),
        ],
      },
      {
        scenario:
          "recovery: a lost checkpoint whose id is saved anew is not damaged for a reader that has read the old state",
        mutants: [
          core(
            "a state that was read before its manifest is judged by it",
            "verify/verifier",
            "if (ahead !== undefined && !isAsListed)",
            "if (false)",
          ),
        ],
      },
      {
        explored: [
          "recovery says nothing of a lost checkpoint",
          "loadLatest, list and ids say nothing of a lost checkpoint",
        ],
      },
    ],
  },
  {
    says: "No crash takes a checkpoint back that a recovery gave.",
    standsIn: [
      [coreReadme, "**What is recovered stays.**"],
      [fsReadme, "**Recovery syncs before it answers.**"],
      [fsReadme, "rather than give that checkpoint"],
      [protocol, "A checkpoint that recovery gives is durable"],
    ],
    checks: [
      { explored: ["recovery gives a checkpoint that a crash may still undo"] },
      {
        scenario: "recovery: a checkpoint that a crash may still undo is given to nobody who acts on it",
        mutants: [
          core(
            "what is recovered need not be durable",
            "recovery/recover",
            "await assertStays(history, found, options.signal);",
            ";",
          ),
        ],
      },
    ],
  },
  {
    says: "A store in which something was saved is never `fresh`.",
    standsIn: [
      [storePage, "`fresh`: nothing was ever saved"],
      [protocol, "it is never a fresh start"],
      ["docs/reference.md", "The caller decides whether to start over from nothing, not the store"],
    ],
    checks: [
      {
        scenario: "recover says exhausted, not fresh, if no checkpoint verifies",
        mutants: [
          core(
            "whoever finds nothing sound says fresh",
            "recovery/recover",
            "const fresh = isFresh(view, examined);",
            "const fresh = true;",
          ),
        ],
      },
      {
        scenario: "recovery: a store with checkpoints of the other layout is CKPT_INVALID, not fresh",
        mutants: [
          core(
            "the other layout is not looked at",
            "recovery/recover",
            "await assertNotElsewhere(history, view.listing, options.signal, elsewhere);",
            ";",
          ),
        ],
      },
      {
        explored: [
          "loadLatest says that nothing was saved where all is lost",
          "a listing that lacks what must be there passes for whole",
        ],
      },
    ],
  },
  {
    says: "An outage rejects; it is never a fresh start, and never an empty list.",
    standsIn: [
      [fsReadme, "**An outage is never a fresh start.**"],
      [coreReadme, "**An outage is never a fresh start.**"],
      [protocol, "A storage that cannot be reached rejects; it is never a fresh start"],
      ["docs/concepts/checkpoint.md", "A storage that cannot be reached is an error, never `fresh`"],
    ],
    checks: [
      {
        scenario: "prune, collectOrphans and recover reject with CKPT_IO and remove nothing if a listing fails",
        mutants: [
          core(
            "a listing that fails passes for empty",
            "history/listing",
            "(await this.#place.storage.list(prefix, signal))",
            "(await this.#place.storage.list(prefix, signal).catch(() => []))",
          ),
        ],
      },
    ],
  },
  {
    says: "The latest checkpoint is found, also if the pointer is lost, old or damaged.",
    standsIn: [
      [protocol, "For us it is a hint"],
      ["docs/concepts/pointer.md", "**Readers list, they do not follow the pointer.**"],
      ["docs/reference.md", "a missing, garbled, dangling or stale pointer costs nothing"],
    ],
    checks: [
      {
        explored: [
          "what pointer or history names is not looked at by itself",
          "a pointer that a refused save moved passes for a sign of checkpoints",
        ],
      },
      {
        scenario: "reading finds the latest checkpoint with a missing, garbled, dangling or stale pointer",
        mutants: [
          core(
            "what a stale pointer names passes for the latest",
            "recovery/recover",
            "const ids = latestFirst(new Set([",
            "const ids = view.pointer.checkpointId > 0 ? [view.pointer.checkpointId] : latestFirst(new Set([",
          ),
        ],
      },
    ],
  },
  {
    says: "A refusal of `accept` is a boolean, and the checkpoint that it refuses is passed over.",
    standsIn: [[storePage, "may refuse a checkpoint that verifies"]],
    checks: [
      {
        scenario: "programs: recover with acceptCommitted passes over a sink that is pending or failed",
        mutants: [
          core("whatever accept says, the checkpoint is taken", "recovery/recover", "if (!accepted)", "if (false)"),
        ],
      },
    ],
  },
  {
    says: "A reader beside a writer that prunes gets a whole checkpoint.",
    standsIn: [[protocol, "**`recover` and `loadLatest` begin again if a listed manifest is gone**"]],
    checks: [
      {
        explored: [
          "recovery does not list again when a manifest is gone",
          "loadLatest does not list again when a manifest is gone",
          "what is pruned while it is read passes for damaged",
        ],
      },
    ],
  },
  {
    says: "Keys that this library did not make are reported, and left alone.",
    standsIn: [
      [fsReadme, "Names that this package did not make are neither counted nor deleted"],
      ["SECURITY.md", "foreign names are neither counted nor deleted"],
      ["docs/reference.md", "never counted, never deleted, reported once as an event"],
    ],
    checks: [
      {
        scenario: "a foreign key is one foreign-key event and stays where it is",
        mutants: [
          core("foreign keys are told to nobody", "history/listing", 'this.#emit({ type: "foreign-key", key });', ";"),
        ],
      },
    ],
  },
]
