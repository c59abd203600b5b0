import { core, type OnePromise, conformance as suite } from "../promise.js"

const protocol = "docs/protocol/README.md"
const conformance = "packages/conformance/README.md"
const memory = "packages/memory/README.md"
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
        scenario:
          "lost answer of every pointer put, none of which takes effect: the save succeeds without being the latest",
        mutants: [
          core(
            "a pointer that cannot be moved fails the save",
            "history/pointer-file",
            'this.#emit({ type: "pointer-failed", id, error });',
            "throw error;",
          ),
        ],
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
  {
    says: "A case that is left out is not registered with the runner; no case has more than 32 backends open.",
    standsIn: [
      [conformance, "Such a case is not registered with the runner, so it never counts as passed"],
      [conformance, "Up to 32 backends are open at once"],
    ],
    checks: [
      {
        program: "a case that is left out is not registered with the runner",
        mutants: [
          suite(
            "cases that cannot be run are registered",
            "describe-backend",
            "if (results.has(one))\n            continue;",
            "",
          ),
        ],
      },
      {
        program: "no case has more than 32 backends open at once",
        mutants: [
          suite(
            "a race has a backend for each racer",
            "cases/replace",
            "const backends = [backend, await another(), await another(), await another()];",
            "const backends = [backend];\n            while (backends.length < 33) backends.push(await another());",
          ),
        ],
      },
    ],
  },
  {
    says: "Memory does what an object store does: saves, claims and retention.",
    standsIn: [[memory, "Saves, claims and retention do what they do on an object store"]],
    checks: [
      {
        case: "replace: exactly one of 16 racers from one version wins",
        liars: ["two replacements by one version at once both win"],
      },
      {
        case: "list: a listing shows every earlier write and delete",
        liars: ["a backend remembers its listing until it writes"],
      },
    ],
  },
  {
    says: "Memory copies all bytes on their way in and out.",
    standsIn: [[memory, "All bytes are copied on their way in and out"]],
    checks: [
      {
        case: "put: changing a buffer after the put leaves the object alone",
        liars: ["keeps the chunks of an array that was put", "keeps the chunks of a stream that was put"],
      },
      {
        case: "get: changing what was read, of any size or range, leaves the object alone",
        liars: ["gives its own bytes to the reader", "gives its own bytes to the reader of a range"],
      },
    ],
  },
]
