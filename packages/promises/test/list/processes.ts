import { core, fs, type OnePromise } from "../promise.js"

const readme = "packages/fs/README.md"

export const processPromises: readonly OnePromise[] = [
  {
    says: "Once a claim is given, no other process changes anything of the store, wherever its change stood.",
    standsIn: [
      [readme, "Once `claim()` resolves, no other process and no"],
      ["SECURITY.md", "claims fence it"],
      ["docs/how-to/several-workers.md", "A worker that lost its part without knowing it is refused at its next save"],
    ],
    checks: [
      {
        program: "a save that stood still before its last step while another process claimed is CKPT_FENCED",
        mutants: [
          fs(
            "a claim leaves the temporary names of others",
            "claim/sweep",
            "if (info?.isFile() === true || info?.isDirectory() === true)",
            "if (false)",
          ),
        ],
      },
      {
        program: "a save that stood still before its first step while another process claimed is CKPT_FENCED",
        mutants: [fs("no writer looks who leads", "claim/fence", "if (highest === held)", "if (true)")],
      },
    ],
  },
  {
    says: "A living leader on a folder is not superseded until it has been silent; one that has ended is, at once.",
    standsIn: [
      [readme, "rejects, and names the process, its host, and the time since its last sign of life"],
      ["docs/choosing.md", "only once it is silent, 10 s by default"],
      ["docs/concepts/fencing.md", "**A claim makes one writer lead.**"],
    ],
    checks: [
      {
        program:
          "a claim beside a living leader is CKPT_FENCED, and names its process; once it has ended, the claim is given",
        mutants: [
          fs("nobody asks for signs of life", "claim/acquire", "if (silence <= limit)", "if (false)"),
          fs(
            "a holder that has ended is waited for",
            "claim/acquire",
            "(isThisProcess(holder.process) || hasEnded(holder.process))",
            "isThisProcess(holder.process)",
          ),
        ],
      },
    ],
  },
  {
    says: "A second process that writes without a claim is told, or refused with `secondWriter`.",
    standsIn: [[readme, "**A second process without a claim is noticed, not locked out.**"]],
    checks: [
      {
        program:
          'with secondWriter: "refuse" a change beside another writer is CKPT_FENCED, and the event second-writer tells of it else',
        mutants: [
          fs("secondWriter is not looked at", "claim/writer-signs", "if (!refuse || first === undefined)", "if (true)"),
          core(
            "another writer is told to nobody",
            "storage/other-writers",
            'this.#emit({ type: "second-writer", pid, since, where });',
            ";",
          ),
        ],
      },
    ],
  },
  {
    says: "A filesystem that cannot sync a folder is `CKPT_UNSUPPORTED`, unless `directorySync: false` accepts it.",
    standsIn: [[readme, "**A filesystem that cannot sync a folder**"]],
    checks: [
      {
        program: "a folder that cannot be synced is CKPT_UNSUPPORTED, and directorySync: false accepts it",
        mutants: [
          fs(
            "a folder that cannot be synced is a passing failure",
            "files/sync-directory",
            'if (!hasErrno(error, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"))',
            "if (true)",
          ),
          fs("directorySync is not looked at", "files/sync-directory", "|| files.directorySync === false", ""),
        ],
      },
    ],
  },
  {
    says: "Without hard links a store saves, updates, pins and prunes in the default layout; the rest is `CKPT_UNSUPPORTED`.",
    standsIn: [[readme, "**A filesystem without hard links**"]],
    checks: [
      {
        program: "without hard links a claim is CKPT_UNSUPPORTED, and saves, updates and prunes work",
        mutants: [
          fs(
            "a refused hard link is a refusal of permission",
            "files/link",
            'if (!hasErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"))',
            "if (true)",
          ),
          fs(
            "the history needs a hard link",
            "files/publish",
            "if (!weakly || !(isUnsupported || isFull(error)))",
            "if (true)",
          ),
        ],
      },
    ],
  },
]
