import { core, fs, type OnePromise } from "../promise.js"

const readme = "packages/fs/README.md"

export const filesystemPromises: readonly OnePromise[] = [
  {
    says: "Whatever a save has written is synced before the save is acknowledged: data, then names.",
    standsIn: [[readme, "are written and synced aside, then renamed into place"]],
    checks: [
      {
        program: "a save syncs each file and folder before it is acknowledged",
        mutants: [
          fs(
            "the files of a stage are not synced",
            "commit/stage",
            "await together([...this.files, this.pointer, this.#directory].map((one) => one?.sync()));",
            "await together([this.pointer, this.#directory].map((one) => one?.sync()));",
          ),
          fs(
            "the pointer is not synced",
            "commit/stage",
            "await together([...this.files, this.pointer, this.#directory].map((one) => one?.sync()));",
            "await together([...this.files, this.#directory].map((one) => one?.sync()));",
          ),
          fs(
            "the folder of a stage is not synced",
            "commit/stage",
            "await together([...this.files, this.pointer, this.#directory].map((one) => one?.sync()));",
            "await together([...this.files, this.pointer].map((one) => one?.sync()));",
          ),
          fs(
            "new names are not synced",
            "files/publish",
            "await Promise.allSettled([directory?.sync(), publication.meanwhile?.()]);",
            "await Promise.allSettled([undefined, publication.meanwhile?.()]);",
          ),
        ],
      },
      {
        program: "nothing is made in a new folder before the folder's own name is durable",
        mutants: [
          fs("a new folder is not synced", "files/directories", "await this.#syncEntry(parent, path, created);", ";"),
        ],
      },
    ],
  },
  {
    says: "A sync that failed leaves the outcome unknown, and is not tried again.",
    standsIn: [[readme, "**A failed sync is not tried again**"]],
    checks: [
      {
        program: "a save whose last sync fails is CKPT_UNKNOWN_OUTCOME",
        mutants: [
          fs(
            "a failed sync passes for done",
            "files/publish",
            'if (synced.status === "rejected" || isLost) {',
            "if (false) {",
          ),
        ],
      },
      {
        program: "the same save again, after a sync that failed, is CKPT_UNKNOWN_OUTCOME in the same process",
        mutants: [
          fs(
            "a name whose sync failed passes for durable later",
            "files/publish",
            'isLost || synced.status === "rejected" ? "lost" : "synced"',
            '"synced"',
          ),
        ],
      },
      {
        program: "a save that finds a checkpoint whose sync is under way waits for that sync, and for its failure",
        mutants: [
          fs("nobody waits for the sync of another call", "files/doubts", "await registry.unsynced.get(name);", ";"),
        ],
      },
    ],
  },
  {
    says: "A root that is gone, or another one in its place, is `CKPT_IO`, and nothing is saved there.",
    standsIn: [
      [readme, "**An unmounted root is an outage.**"],
      [readme, "nothing is saved into an empty mount point"],
    ],
    checks: [
      {
        program: "a root that is gone is CKPT_IO, and nothing is made in its place",
        mutants: [
          fs(
            "another root in the place of ours is taken",
            "files/root",
            "if (ours !== undefined && found !== ours)",
            "if (false)",
          ),
        ],
      },
    ],
  },
  {
    says: "With `mustExist`, a root that is not there is `CKPT_IO`, and no fresh start.",
    standsIn: [[readme, "say `mustExist: true`"]],
    checks: [
      {
        program: "mustExist: a root that is not there is CKPT_IO",
        mutants: [fs("mustExist is not looked at", "files/root", "if (!this.#mustExist)", "if (true)")],
      },
    ],
  },
  {
    says: "Links below the root are not followed.",
    standsIn: [[readme, "**Links are not followed** below the root"]],
    checks: [
      {
        program: "a link in the place of a folder is not followed",
        mutants: [
          fs(
            "whatever is in the place of a folder passes for it",
            "files/root",
            "export function assertFolder(path, info, depth) {",
            "export function assertFolder(path, info, depth) {\n    return;",
          ),
        ],
      },
    ],
  },
  {
    says: "Ages go by the filesystem's clock: a process whose own clock is wrong removes nothing young.",
    standsIn: [[readme, "**The clock is the filesystem's.**"]],
    checks: [
      {
        program: "retention by age removes nothing young, although the clock of the process is ten hours ahead",
        mutants: [
          fs(
            "ages go by the clock of the process",
            "backend",
            "return this.#readOnly ? new Date() : folderTime(this.#root.files, folder);",
            "return new Date();",
          ),
        ],
      },
    ],
  },
  {
    says: "What a killed process left under temporary names goes with the next retention; what a living one writes stays.",
    standsIn: [[readme, "**Kill loops leave nothing.**"]],
    checks: [
      {
        program: "what a killed save left goes with the next retention",
        mutants: [
          core(
            "retention does not look for what the dead left",
            "retention/prune",
            "if (storage.backend.capabilities.seesEndedWriters !== true)",
            "if (true)",
          ),
        ],
      },
    ],
  },
  {
    says: "With no room left, what makes room works all the same.",
    standsIn: [[readme, "**Making room needs no room.**"]],
    checks: [
      {
        program: "a prune on a full disk, which replaces the history first",
        mutants: [
          fs(
            "the spare is not used",
            "objects/put",
            "const file = await takeSpare(spare, bytes);",
            "const file = undefined; void takeSpare;",
          ),
        ],
      },
    ],
  },
]
