import type { Cloud, RequestKind } from "./clouds/cloud.js"

export type Counts = Partial<Record<RequestKind, number>>
type Budget = Readonly<Record<Cloud["name"], Counts>>

const everywhere = (counts: Counts): Budget => ({ s3: counts, azure: counts, gcs: counts })

/**
 * The requests of what a job does again and again, in the steady state. `budgets.test.ts` holds them against the wire, and
 * `choosing.test.ts` makes the costs of docs/choosing.md of them.
 */
export const budgets = {
  /** The manifest; then the history, beside the pointer. */
  save: everywhere({ put: 2, get: 1 }),
  /** The state, in one request; then as above. */
  saveWithState: everywhere({ put: 3, get: 1 }),
  /** The state in parts; then as above. */
  saveOf10MiB: {
    s3: { begin: 1, part: 2, completion: 1, put: 2, get: 1 },
    azure: { part: 3, completion: 1, put: 2, get: 1 },
    gcs: { begin: 1, part: 1, completion: 1, put: 2, get: 1 },
  },
  /** Two listings, the manifest of the new checkpoint, the history; then a manifest and a state are deleted. */
  retention: everywhere({ list: 2, get: 1, put: 1, delete: 2 }),
  /** Two listings; the history, the pointer, the manifest, the state. */
  recover: everywhere({ list: 2, get: 4 }),
  /** One listing; the manifest, the history, the pointer. */
  loadLatest: everywhere({ list: 1, get: 3 }),
  /** The manifest and the history are read, the manifest is swapped, the history is read again. */
  update: everywhere({ get: 3, put: 1 }),
} satisfies Record<string, Budget>
