import { core, type OnePromise } from "../promise.js"

const coreReadme = "packages/core/README.md"
const storePage = "docs/store/README.md"
const fsReadme = "packages/fs/README.md"
const protocol = "docs/protocol/README.md"

export const savingPromises: readonly OnePromise[] = [
  {
    says: "A save is all or nothing, wherever its process dies.",
    standsIn: [
      [fsReadme, "**A save is all or nothing.**"],
      [coreReadme, "**A save is all or nothing.**"],
      ["README.md", "which is there as a whole or not at all"],
    ],
    checks: [
      {
        scenario: 'crash at any call of "save": no acknowledged checkpoint is lost',
        mutants: [
          core(
            "the manifest is written before the state",
            "commit/commit",
            "const state = job.feed === undefined ? undefined : await createState(",
            `if (job.feed !== undefined) {
               for await (const _ of job.feed.open(() => {})) {}
               const early = job.manifest(job.feed.info());
               await createManifestObject(history.place, early, storedForm(job, early), job.signal);
             }
             const state = job.feed === undefined ? undefined : await createState(`,
          ),
        ],
      },
      { explored: ["the manifest is written before the state"] },
    ],
  },
  {
    says: "Nothing is overwritten: an id with other content is `CKPT_CONFLICT`, and the first one stays.",
    standsIn: [
      [fsReadme, "**Nothing is overwritten.**"],
      [coreReadme, "**Nothing is overwritten.**"],
      [storePage, "writes a checkpoint, and never overwrites"],
    ],
    checks: [
      {
        scenario:
          "a save of a taken id is CKPT_CONFLICT too if only the manifest differs, or only the state is missing",
        mutants: [
          core(
            "a manifest that is there passes for ours",
            "commit/create-manifest",
            "if (isOurs(stored.bytes))",
            "if (true)",
          ),
        ],
      },
      { explored: ["create overwrites", "a manifest that is there passes for ours"] },
    ],
  },
  {
    says: "The very same save again is `existed`.",
    standsIn: [[fsReadme, "Saving the very same manifest again is `existed`"]],
    checks: [
      {
        scenario: 'race: a second save of the same checkpoint is "existed"',
        mutants: [
          core("what is there is never ours", "commit/create-manifest", "if (isOurs(stored.bytes))", "if (false)"),
        ],
      },
    ],
  },
  {
    says: "No acknowledged save of a plain writer is lost, however its process dies.",
    standsIn: [
      [coreReadme, "**No acknowledged save is lost**"],
      [storePage, "an id has one content, and no acknowledged save is lost"],
      ["docs/protocol/claims.md", "an acknowledged save counts, or a higher id outranks it"],
    ],
    checks: [
      {
        explored: [
          "a save is acknowledged without the history",
          "a save is acknowledged by the history of before",
          "a save does not look at the floor",
        ],
      },
    ],
  },
  {
    says: "A lost answer is settled by asking again: the save succeeds, or its outcome is said to be unknown.",
    standsIn: [
      [protocol, "is settled by asking again, under the same condition"],
      [coreReadme, "**A lost answer is settled by asking again.**"],
      ["packages/s3/README.md", "**A lost answer is settled by asking again**"],
      ["packages/azure/README.md", "**A lost answer is settled by asking again**"],
      ["packages/gcs/README.md", "**A lost answer is settled by asking again**"],
    ],
    checks: [
      {
        scenario: "lost answer of the manifest request that took effect: the save succeeds",
        mutants: [
          core(
            "a refusal after a lost answer is not read back",
            "commit/create-manifest",
            "const settled = await settleManifest(place, manifest, bytes, signal, cause);",
            'const settled = "absent";',
          ),
        ],
      },
      {
        scenario:
          "lost answer of every manifest put, none of which takes effect: CKPT_UNKNOWN_OUTCOME after at most 4 puts",
        mutants: [
          core(
            "an unknown outcome is an ordinary failure",
            "commit/outcome",
            'new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, { ...place.manifest(id), retryable: true, cause })',
            'new CheckpointError("CKPT_IO", message, { ...place.manifest(id), retryable: true, cause })',
          ),
        ],
      },
      {
        explored: [
          "no read-back of the state",
          "no read-back of the manifest",
          "a failed look at the history passes for certain",
        ],
      },
    ],
  },
  {
    says: "A storage that ignores conditions, or lists late, is refused before anything is written.",
    standsIn: [
      [protocol, "and refuses a storage that fails"],
      [
        "packages/s3/README.md",
        "**A storage that does not keep all this is refused** (`CKPT_UNSUPPORTED`), and nothing is overwritten",
      ],
      ["packages/azure/README.md", "**A storage that does not keep all this is refused**"],
      ["packages/gcs/README.md", "**A storage that does not keep all this is refused**"],
    ],
    checks: [
      {
        scenario: "a storage that ignores conditions is CKPT_UNSUPPORTED for writers before anything is written",
        mutants: [
          core(
            "the check of the storage is taken for passed",
            "storage/probe",
            "if (fault === undefined)",
            "if (true)",
          ),
        ],
      },
    ],
  },
  {
    says: "An update is applied once, and by compare-and-swap: no other update is lost.",
    standsIn: [[storePage, "changes a manifest by compare-and-swap"]],
    checks: [
      {
        explored: [
          "an update whose answer was lost is applied once more",
          "an update whose answer was lost passes for done",
        ],
      },
      {
        scenario: "update keeps the checksums and the size of the state, even if the change leaves them out",
        mutants: [
          core(
            "an update may change the checksum of the state",
            "commit/update",
            "stateChecksum: current.stateChecksum,",
            "",
          ),
        ],
      },
    ],
  },
  {
    says: "A stream is saved once: a second save of it is `CKPT_INVALID`, and no empty state.",
    standsIn: [[storePage, "Once a save has taken one, another save of it is `CKPT_INVALID`"]],
    checks: [
      {
        program: "a stream that a save has taken is CKPT_INVALID for the next",
        mutants: [core("nobody remembers what was read", "state/read-once", "throw readBefore(name, state);", ";")],
      },
    ],
  },
  {
    says: "`saveNext` gives each call an id of its own; an id that another writer took is refused.",
    standsIn: [[storePage, "takes the next id (also if it then fails)"]],
    checks: [
      {
        scenario:
          "programs: saveNext takes one id for each call; an id that another writer took is refused, and the next one lies above",
        mutants: [
          core(
            "the next id is the last one",
            "commit/numbering",
            "assertIdLeft(this.#history, this.#highest.checkpointId + 1)",
            "assertIdLeft(this.#history, Math.max(1, this.#highest.checkpointId))",
          ),
        ],
      },
    ],
  },
]
