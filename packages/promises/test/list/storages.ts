import type { OnePromise } from "../promise.js"

const protocol = "docs/protocol/README.md"
const conformance = "packages/conformance/README.md"
const [s3, azure, gcs] = ["packages/s3/README.md", "packages/azure/README.md", "packages/gcs/README.md"]

export const storagePromises: readonly OnePromise[] = [
  {
    says: "Of several creators of one object exactly one wins, on every storage.",
    standsIn: [
      [protocol, "*Create only if absent* has one winner"],
      [s3, "**One of several racing writers wins.**"],
      [azure, "**One of several racing writers wins.**"],
      [gcs, "**One of several racing writers wins.**"],
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
    standsIn: [
      [protocol, "*Replace this version* (compare-and-swap) has one winner"],
      [s3, "**A replacement is of the version that was read.**"],
      [azure, "**A replacement is of the version that was read.**"],
      [gcs, "**A replacement is of the version that was read.**"],
    ],
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
    standsIn: [
      [protocol, "A listing shows every write that was acknowledged before it began"],
      [s3, "**Reads and lists show every acknowledged write at once**, and never a part of an object"],
      [azure, "**Reads and lists show every acknowledged write at once**, and never a part of a blob"],
      [gcs, "**Reads, listings and conditions are strongly consistent**"],
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
    says: "Of uploads that were given up, only old ones of checkpoints below the latest go; an upload under way stays.",
    standsIn: [
      [s3, "**An upload under way stays.**"],
      [
        s3,
        "gives up an unfinished upload if it belongs to an id below the latest valid checkpoint, and no part of it has arrived for `olderThanMs`",
      ],
    ],
    checks: [
      {
        case: "leftovers: mayGo is asked with the key, and what may not go stays and is not told",
        liars: ["whether a leftover may go is not asked"],
      },
      {
        case: "leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life",
        liars: ["the age of leftovers is taken for microseconds"],
      },
    ],
  },
  {
    says: "A storage that refuses a second write of one object within a second costs an event, and no save.",
    standsIn: [
      [gcs, "**A job that saves too fast loses no save.**"],
      [
        gcs,
        "A job that saves faster loses no save either: the receipt has `isLatest: false`, the event is `pointer-failed`, and `recover` and `loadLatest` find the checkpoint by listing",
      ],
    ],
    checks: [
      {
        test: "saves without a pause: the pointer lags, and nothing else",
        file: "packages/gcs/test/rate-limit.test.ts",
        against: "a server that answers 429 to the second write of an object within a second, and counts",
      },
      { explored: ["a swap that changed nothing passes for unknown"] },
    ],
  },
  {
    says: "The suite fails an adapter that lies, and says what a user would lose.",
    standsIn: [[conformance, "every such backend must fail at least one case, and every case must fail one of them"]],
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
