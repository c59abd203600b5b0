import { core, fs, langgraph, type OnePromise } from "../promise.js"

const readme = "packages/langgraph/README.md"
const howTo = "docs/how-to/langgraph.md"

export const agentPromises: readonly OnePromise[] = [
  {
    says: "A checkpoint of a thread is there as a whole or not at all, and for good once `put` has resolved.",
    standsIn: [
      [readme, "**A checkpoint is there as a whole, or not at all.**"],
      [readme, "resolve when the storage has everything for good: on a disk after `fsync`"],
      [howTo, "What a resolved `put` has written survives a power cut"],
    ],
    checks: [
      {
        program: "cut off before any of its requests, a put leaves the thread as it was, or with the whole checkpoint",
        mutants: [
          langgraph(
            "a checkpoint is stored before its pieces",
            "put",
            "const day = await storePieces(context, threadId, pieces.keys(), (hash) => pieces.get(hash));",
            "const day = Math.floor(context.now() / 86_400_000);\n    setTimeout(() => storePieces(context, threadId, pieces.keys(), (hash) => pieces.get(hash)).catch(() => {}), 0);",
          ),
        ],
      },
      {
        program: "what put and putWrites have resolved is there for another process",
        mutants: [
          langgraph(
            "put resolves before its checkpoint is stored",
            "saver",
            'await this.#calls.run("put", ',
            'void this.#calls.run("put", ',
          ),
          langgraph(
            "putWrites resolves before its writes are stored",
            "saver",
            'await this.#calls.run("putWrites", ',
            'void this.#calls.run("putWrites", ',
          ),
        ],
      },
      {
        program: "a put syncs each file and folder before it resolves",
        mutants: [
          fs(
            "the bytes of an object are not synced",
            "files/new-file",
            "return this.#handle.sync();",
            "return Promise.resolve();",
          ),
          fs(
            "the name of an object is not synced",
            "files/publish",
            "await Promise.allSettled([directory?.sync(), publication.meanwhile?.()]);",
            "await Promise.allSettled([undefined, publication.meanwhile?.()]);",
          ),
        ],
      },
    ],
  },
  {
    says: "A damaged checkpoint of a thread is never returned, and a damaged thread does not start anew.",
    standsIn: [
      [readme, "**A damaged checkpoint is never returned.**"],
      [readme, "a damaged thread does not start anew"],
      [howTo, "the thread goes on from the latest that verifies, and `onEvent` tells it"],
    ],
    checks: [
      {
        program: "getTuple goes on to the latest checkpoint that verifies, tells it, and rejects if there is none",
        mutants: [
          core(
            "the checksum of an object is not looked at",
            "format/sealed-object",
            'if ((await checksumOf(key, stored, signal)) !== stored.toString("hex", checksumAt, headBytes))',
            "if (false)",
          ),
          langgraph("a thread of which nothing verifies starts anew", "read", "if (damaged.length > 0)", "if (false)"),
          langgraph("a checkpoint is passed over in silence", "damaged", 'type: "damaged"', 'type: "passed-over"'),
        ],
      },
    ],
  },
  {
    says: "Of several processes on one thread none overwrites what another has stored.",
    standsIn: [[readme, "**Several processes may work on one thread.**"]],
    checks: [
      {
        program: "of two checkpoints under one id the first stays, and the other is CKPT_CONFLICT",
        mutants: [
          langgraph(
            "another checkpoint under the same id passes for this one",
            "put",
            "isSame(decodeCheckpoint(key, there.bytes), stored)",
            "true",
          ),
        ],
      },
      {
        program:
          "writes of tasks at the same time are all kept; of one task the first hold, and of interrupts the last",
        mutants: [
          langgraph(
            "of one task the last write holds",
            "writes",
            "return write.index < 0 && !isSame(found.write, write);",
            "return !isSame(found.write, write);",
          ),
          langgraph(
            "of interrupts the first holds",
            "writes",
            "return write.index < 0 && !isSame(found.write, write);",
            "return false;",
          ),
        ],
      },
    ],
  },
  {
    says: "Forks of a checkpoint keep their own values, although the versions of their channels are the same.",
    standsIn: [[readme, "**Forks keep their own values.**"]],
    checks: [
      {
        program: "two forks of a checkpoint, whose versions are the same, have their own values",
        mutants: [
          langgraph(
            "values are told apart by their size",
            "keys",
            '.update(bytes).digest("hex")',
            '.update(String(bytes.length)).digest("hex")',
          ),
        ],
      },
    ],
  },
  {
    says: "What does not change in a large value is not written again, but once a day.",
    standsIn: [[readme, "**What does not change in a large value is not written again**, but once a day"]],
    checks: [
      {
        program: "a large value that does not change is stored once a day",
        mutants: [
          langgraph("what is stored is not remembered", "known", "namerOf(key) {", "namerOf(key) {\n        return;"),
        ],
      },
      {
        program: "a history that grows by a message writes that message, and a few KiB before it",
        mutants: [
          langgraph("values are not cut", "pieces", "bytes.length <= inlineBytes ? [bytes] : cut(bytes)", "[bytes]"),
        ],
      },
    ],
  },
  {
    says: "Any text names a thread, a namespace or a task, and names that differ only in case stay apart.",
    standsIn: [
      [readme, "**Any text names a thread, a namespace or a task.**"],
      [howTo, "Any text will do"],
    ],
    checks: [
      {
        program: "any text names a thread, a namespace and a task, and no two have keys that differ only in case",
        mutants: [
          langgraph(
            "capital letters stand for themselves",
            "keys",
            "/[a-z0-9-]/.test(sign)",
            "/[A-Za-z0-9-]/.test(sign)",
          ),
          langgraph("long names are not shortened", "keys", "const mostNameBytes = 80;", "const mostNameBytes = 8000;"),
        ],
      },
    ],
  },
  {
    says: "Closing a saver waits for whole calls, and refuses later ones.",
    standsIn: [[readme, "`close()` waits for the calls under way"]],
    checks: [
      {
        program: "close() waits for a put between two of its requests",
        mutants: [
          langgraph("close() does not wait for calls", "calls", "await Promise.allSettled(this.#underWay);", ";"),
          langgraph("a closed saver begins calls", "calls", "if (this.#isClosed)", "if (false)"),
        ],
      },
    ],
  },
  {
    says: "A copy or a deletion of a thread that breaks off leaves a thread that can be gone on with, and the same call completes it.",
    standsIn: [
      [readme, "A copy that breaks off is the beginning of the thread."],
      [readme, "A deletion that breaks off leaves the latest checkpoint until the others are gone."],
    ],
    checks: [
      {
        program: "a copy that breaks off is the beginning of the thread, and the same call completes it",
        mutants: [
          langgraph(
            "a copy begins with the latest",
            "copy",
            "byUtf8(a.checkpointId, b.checkpointId)",
            "byUtf8(b.checkpointId, a.checkpointId)",
          ),
        ],
      },
      {
        program: "a deletion that breaks off leaves the latest checkpoint until the others are gone",
        mutants: [langgraph("the oldest checkpoint goes last", "remove", "if (!latest.has(folder))", "if (true)")],
      },
    ],
  },
  {
    says: "A prune of a thread leaves the latest checkpoint, what that needs, and what a run may still name.",
    standsIn: [
      [readme, "The latest always stays, and so does what another needs that stays"],
      [readme, "from the fourth day after it was stored"],
    ],
    checks: [
      {
        program: "a prune leaves the latest, what it is made from, and pieces that are young",
        mutants: [
          langgraph("the latest counts for nothing", "keep", "return place < last ||", "return place < last - 1 ||"),
          langgraph("ancestors of a DeltaChannel go", "keep", "all.add(parent);", ";"),
          langgraph(
            "young pieces go that nothing names",
            "prune",
            "dayOf(key) < firstDay && !named.has(key)",
            "!named.has(key)",
          ),
        ],
      },
    ],
  },
  {
    says: "With `retain` a thread does not grow for ever, and no `put` waits for a prune or fails by it.",
    standsIn: [
      [readme, "No `put` waits for it or fails by it: the event `retention-failed` tells a failure"],
      [howTo, "older checkpoints go in the background"],
    ],
    checks: [
      {
        program: "with retain a thread does not grow for ever",
        mutants: [langgraph("retain begins no prune", "retention", "if (left <= 1 && !this.#isRunning)", "if (false)")],
      },
      {
        program: "a prune of retain that fails is told, and fails no put",
        mutants: [
          langgraph(
            "a put prunes its thread itself",
            "saver",
            "this.#retention?.afterPut(place.threadId);",
            "await this.pruneThread(place.threadId, { last: 1 });",
          ),
          langgraph(
            "a prune fails in silence",
            "retention",
            'this.#tell({ type: "retention-failed", threadId, error });',
            ";",
          ),
        ],
      },
    ],
  },
  {
    says: "`expireThreads` removes threads that are idle, and nothing that a run stores meanwhile.",
    standsIn: [
      [readme, "**`expireThreads` removes idle threads:** those to which nothing was written for `idleMs`"],
      [readme, "**`expireThreads` beside a run that comes back to an idle thread** loses no checkpoint of the run."],
    ],
    checks: [
      {
        program: "threads that are idle go, with pieces that are four days old; what a run stores meanwhile stays",
        mutants: [
          langgraph("every thread is idle", "expire", "isDue(now - written.getTime(), idleMs)", "isDue(0, 0)"),
          langgraph(
            "a thread is not looked at again",
            "expire",
            "if (!all.every(({ modified }) => isIdle(modified)))",
            "if (false)",
          ),
          langgraph("pieces go with their thread", "expire", "dayOf(key) < firstDay", "dayOf(key) < Infinity"),
        ],
      },
    ],
  },
]
