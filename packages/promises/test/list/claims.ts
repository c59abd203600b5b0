import { core, type OnePromise } from "../promise.js"

const coreReadme = "packages/core/README.md"
const storePage = "docs/store/README.md"
const protocol = "docs/protocol/claims.md"

export const claimPromises: readonly OnePromise[] = [
  {
    says: "After a claim every earlier writer is `CKPT_FENCED`, however late it wakes.",
    standsIn: [
      [storePage, "From then on every other writer gets `CKPT_FENCED`, however late it wakes"],
      [coreReadme, "**An earlier writer is fenced** once another writer has claimed the store"],
      ["docs/concepts/fencing.md", "**Every earlier writer is refused**"],
      ["docs/troubleshooting.md", "another writer leads, and this one may not write"],
      ["docs/how-to/move-to-another-storage.md", "a job that still writes there without a claim is refused"],
    ],
    checks: [
      {
        explored: [
          "claims are ignored",
          "a superseded writer is not refused",
          "a claim that was overtaken passes for given",
        ],
      },
    ],
  },
  {
    says: "A checkpoint that a superseded writer still writes never counts, for no reader and no retention.",
    standsIn: [
      [storePage, "A checkpoint that it still writes never counts"],
      [protocol, "**A superseded writer does no harm**"],
      ["docs/concepts/fencing.md", "checkpoint never counts, for no reader and no retention"],
    ],
    checks: [
      {
        explored: [
          "a manifest above the epoch is judged all the same",
          "readers ignore the floor",
          "a claim does not raise the floor",
          "retention takes what a superseded writer wrote for the latest",
        ],
      },
    ],
  },
  {
    says: "A claim takes no acknowledgement back.",
    standsIn: [
      [protocol, "**An acknowledgement is never taken back**"],
      ["docs/concepts/fencing.md", "A checkpoint that was acknowledged before the claim stays"],
    ],
    checks: [
      {
        explored: [
          "a claim does not keep what counts",
          "a claim lists before it is announced",
          "a claim in one step",
          "a save that a claim has kept passes for refused",
          "a save ignores a claim that is being made",
        ],
      },
    ],
  },
  {
    says: "A claim that stops half way blocks nobody.",
    standsIn: [[protocol, "**A claim that stops half way blocks nobody**"]],
    checks: [{ explored: ["a save that waited for a claim leaves the claim half made"] }],
  },
  {
    says: "No older writer changes a checkpoint that the leader has recovered.",
    standsIn: [[protocol, "an update that an older writer has under way finds another version"]],
    checks: [
      {
        explored: [
          "a leader marks nothing that it recovers",
          "a mark that was refused passes for made",
          "an update reads the history before the manifest",
          "an update takes no second look",
        ],
      },
    ],
  },
  {
    says: "A lost history is reported, nothing is deleted meanwhile, and `claim()` or `repair()` builds it anew.",
    standsIn: [
      [storePage, "If it is lost, an event says so (`history-lost`)"],
      [protocol, "The event `history-lost` says so"],
      ["docs/concepts/pointer.md", "**A lost history is reported, not guessed.**"],
      ["docs/troubleshooting.md", "nothing is deleted meanwhile"],
    ],
    checks: [
      {
        explored: [
          "a lost history is taken for empty",
          "readers do not judge a lost history by the manifests",
          "a claim believes a lost history",
          "a history that is older than the manifests is believed",
          "a first history is made without a look at the pointer",
          "what is dead already is removed by a history that is remembered",
        ],
      },
    ],
  },
  {
    says: "`leadership()` tells who leads.",
    standsIn: [[storePage, "tells who leads: the epoch of the last claim, and the id of its writer"]],
    checks: [
      {
        scenario: "claim: in the history: leadership shows a claim that is being made, and who leads until then",
        mutants: [core("a claim that is being made is not told", "history/leadership", "claiming: claiming.epoch", "")],
      },
    ],
  },
]
