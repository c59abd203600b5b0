import { core, type OnePromise } from "../promise.js"

const compatibility = "docs/compatibility.md"

export const versionPromises: readonly OnePromise[] = [
  {
    says: "Of a manifest of a later version nothing is read but the version: recovery passes over it, and says so.",
    standsIn: [
      [compatibility, "Of a manifest of a later version, a release reads the version alone"],
      [compatibility, "passes over them in `recover`, with the issue `manifest-version`"],
    ],
    checks: [
      {
        program: "of a manifest of a later version nothing is read but the version",
        mutants: [
          core(
            "all of a later version is read",
            "format/manifest/decode",
            "if (version > MANIFEST_VERSION)",
            "if (false)",
          ),
        ],
      },
    ],
  },
  {
    says: "No copy replaces a checkpoint of a later version.",
    standsIn: [[compatibility, "Retention never removes them, a claim keeps them, and no copy replaces them"]],
    checks: [
      {
        scenario: "copy: replaceDamaged overwrites no other checkpoint, and none of a newer release",
        mutants: [core("a later version is a damaged copy", "commit/copy", '&& code !== "manifest-version"', "")],
      },
    ],
  },
  {
    says: "A history of a later version is refused by every call, and stays.",
    standsIn: [[compatibility, "refuses every call, `CKPT_UNSUPPORTED`, and changes nothing"]],
    checks: [
      {
        scenario: "history: a history of a newer release is CKPT_UNSUPPORTED for every reader and writer, and stays",
        mutants: [
          core(
            "a history of a later version is a garbled one",
            "history/history-file",
            "if (decoded.isNewer !== true)",
            "if (true)",
          ),
        ],
      },
    ],
  },
  {
    says: "Fields of a later release stay, exactly, in a manifest that is updated and in a pointer that is moved.",
    standsIn: [
      [compatibility, "reads them; the new fields do nothing, and stay"],
      [compatibility, "unknown fields of the pointer stay"],
    ],
    checks: [
      {
        program: "an update keeps the fields of a manifest that it does not know, digit by digit",
        mutants: [
          core(
            "an update drops the fields that it does not know",
            "format/manifest/encode",
            "if (unknown === undefined)",
            "if (true)",
          ),
        ],
      },
      {
        scenario: "floor: save, prune and remove keep unknown fields of the pointer",
        mutants: [
          core(
            "a moved pointer has no fields of others",
            "format/pointer",
            'if (key !== "checkpoint_id")',
            "if (false)",
          ),
        ],
      },
    ],
  },
]
