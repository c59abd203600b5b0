import { factsOf } from "./facts.js"
import type { Served } from "./served.js"

/** A look that is older is made again for a scrape, which waits so long for it. */
const maxAgeMs = 15_000
const waitMs = 5_000

interface Metric {
  readonly name: string
  readonly help: string
  /** Undefined: not known, so that nothing is said. */
  of(served: Served, now: number): number | undefined
}

const facts = ({ looker, verifying }: Served) => looker.now.listing && factsOf(looker.now.listing, verifying)

const metrics: readonly Metric[] = [
  {
    name: "ckpt_up",
    help: "1 if the last look at the store succeeded, 0 if it failed.",
    of: ({ looker }) => (looker.now.failure !== undefined ? 0 : looker.now.listing === undefined ? undefined : 1),
  },
  {
    name: "ckpt_latest_valid_age_seconds",
    help: "Seconds since the latest checkpoint that is not damaged was stored, by the storage's clock. Absent if there is none.",
    of: (served, now) => {
      const latest = facts(served)?.latestValid
      const { clockAhead = 0 } = served.looker.now.listing ?? {}
      // Not by the manifest: a writer whose clock is ahead would keep the alert silent.
      return latest && Math.max(0, now + clockAhead - latest.lastModified.getTime()) / 1_000
    },
  },
  {
    name: "ckpt_checkpoints",
    help: "Checkpoints in the store, damaged ones too.",
    of: (served) => facts(served)?.count,
  },
  { name: "ckpt_state_bytes", help: "Bytes of the state of all checkpoints.", of: (served) => facts(served)?.bytes },
  {
    name: "ckpt_damaged_checkpoints",
    help: "Checkpoints that are known to be damaged.",
    of: (served) => facts(served)?.damaged,
  },
  { name: "ckpt_pinned_checkpoints", help: "Checkpoints that are pinned.", of: (served) => facts(served)?.pinned },
  {
    name: "ckpt_last_verify_timestamp_seconds",
    help: "When a checkpoint was last verified byte by byte, by this process. Absent if none was.",
    of: ({ verifying }) => verifying.lastAt && verifying.lastAt / 1_000,
  },
  {
    name: "ckpt_last_look_timestamp_seconds",
    help: "When the store was last listed as a whole: the figures are of then.",
    of: ({ looker }) => looker.now.listing && looker.now.listing.at / 1_000,
  },
]

/** The text that Prometheus reads. A store that fails or stalls has `ckpt_up` 0, and its older figures. */
export async function metricsText(all: readonly Served[]): Promise<string> {
  await Promise.all(all.map(({ looker }) => looker.recent(maxAgeMs, waitMs)))
  const now = Date.now()
  const lines = metrics.flatMap(({ name, help, of }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...all.flatMap((served) => {
      const value = of(served, now)
      return value === undefined
        ? []
        : [`${name}{store="${escaped(served.slug)}",url="${escaped(served.url)}"} ${value}`]
    }),
  ])
  return `${lines.join("\n")}\n`
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')
}
