import { core, type OnePromise } from "../promise.js"

const copying = "docs/store/copying.md"
const protocol = "docs/protocol/copying.md"

export const copyPromises: readonly OnePromise[] = [
  {
    says: "A copy has the same bytes under the same ids, and to copy twice is harmless.",
    standsIn: [[copying, "Manifests and states have the same bytes under the same ids"]],
    checks: [
      {
        scenario:
          "copy: a store is copied byte for byte, with its pins and later sink commits, and to copy it twice is harmless",
        mutants: [
          core(
            "a manifest is written anew, not copied",
            "commit/copy",
            "const bytes = isSame ? { bytes: original.bytes } : {};",
            'const bytes = isSame ? { bytes: Buffer.concat([original.bytes, Buffer.from("\\n")]) } : {};',
          ),
        ],
      },
      {
        scenario: "copy: a copy that a crash may still undo is not acknowledged as one that existed",
        mutants: [
          core(
            "a copy that existed need not be durable",
            "commit/copy",
            "await assertFoundDurable(history.place, id, [there.manifestMeta, there.stateMeta], signal);",
            "",
          ),
        ],
      },
    ],
  },
  {
    says: "Of a damaged original nothing is written, and other content under the id stays.",
    standsIn: [
      [protocol, "If the state does not verify, its put breaks off, and nothing is there"],
      [copying, "nothing is overwritten"],
      ["docs/how-to/move-to-another-storage.md", "**A target with other checkpoints under the same ids**"],
    ],
    checks: [
      {
        scenario:
          "copy: other content under the id is a conflict and stays, and of a damaged checkpoint nothing is written",
        mutants: [
          core(
            "whatever is there passes for the same checkpoint",
            "commit/copy",
            "if (there.manifest === undefined || !isSameCheckpoint(there.manifest, given)) {",
            "if (there.manifest === undefined) {",
          ),
        ],
      },
    ],
  },
  {
    says: "What is in a copy is always a beginning of its source, wherever the copying process dies.",
    standsIn: [[protocol, "what is there is always a beginning of the source"]],
    checks: [
      {
        scenario: "copy: several are looked at together, and each is written after all that are older",
        mutants: [
          {
            ...core("each checkpoint is written as soon as it was looked at", "commit/copy", "await turn?.();", ""),
            isAwaited: true,
          },
        ],
      },
    ],
  },
  {
    says: "A damaged copy is written anew only if that is asked for, and nothing else is.",
    standsIn: [[copying, "with `replaceDamaged: true` what does not verify is written anew"]],
    checks: [
      {
        scenario:
          "copy: a copy with a manifest with a flipped bit is told and stays, and replaceDamaged writes it anew, and nothing else",
        mutants: [
          core(
            "a damaged copy is written anew unasked",
            "commit/copy",
            'if (found.is === "damaged" && !replaceDamaged)',
            "if (false)",
          ),
        ],
      },
    ],
  },
]
