import type { OnePromise } from "../promise.js"

const protocol = "docs/protocol.md"
const conformance = "packages/conformance/README.md"

export const storagePromises: readonly OnePromise[] = [
  {
    says: "Of several creators of one object exactly one wins, on every storage.",
    told: [
      [protocol, "*Create only if absent* has one winner"],
      ["packages/s3/README.md", "S3 lets exactly one of several racing writers win"],
    ],
    checks: [
      { case: "create: a loser reads the winner's object whole", liars: ["creators of two backends both win"] },
      {
        case: "commit: what it created is an object for every other call",
        liars: ["put overwrites what a commit created although it must be absent"],
      },
    ],
  },
  {
    says: "A replacement under a version takes effect on that very version, or not at all.",
    told: [[protocol, "*Replace this version* (compare-and-swap) has one winner"]],
    checks: [
      {
        case: "version: a condition holds for the very version alone, not for one that looks like it",
        liars: [
          "versions are compared by their first half",
          "a version that begins as the object's passes",
          "versions are compared without regard to case",
        ],
      },
      {
        case: "replace: a replace of an absent or deleted object is refused",
        liars: ["a condition is compared with the version that this backend saw last"],
      },
    ],
  },
  {
    says: "Reads and lists show every acknowledged write at once, and never a part of an object.",
    told: [
      [protocol, "A listing shows every write that was acknowledged before it began"],
      [
        "packages/s3/README.md",
        "Reads and lists show every acknowledged write at once, and never show a part of an object",
      ],
    ],
    checks: [
      {
        case: "list: a listing shows every earlier write and delete",
        liars: ["a backend remembers its listing until it writes"],
      },
      {
        case: "atomic: a new object is not visible before it is whole",
        liars: ["a listing shows writes under way"],
      },
    ],
  },
  {
    says: "The suite fails an adapter that lies, and says what a user would lose.",
    told: [[conformance, "every such backend must fail at least one case, and every case must fail one of them"]],
    checks: [
      {
        case: "get: two readers never share memory, and a chunk stays until it is given back",
        liars: ["reads short objects into one buffer for all"],
      },
      {
        case: "list: keys that a pattern, a parser or a normal form may take for one are two",
        liars: ["keys are normalised (NFC)", "keys are trimmed"],
      },
      {
        case: "leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life",
        liars: ["the age of leftovers is taken for seconds"],
      },
    ],
  },
]
