import { expect } from "vitest"
import { CheckpointError } from "../../../src/errors.js"
import type { JsonValue } from "../../../src/format/json.js"
import { createManifest } from "../../../src/format/manifest/check.js"
import { inlineOperator } from "../../../src/format/manifest/inline.js"

/** A manifest with every field. */
export const full = createManifest({
  checkpointId: 42,
  epoch: 7,
  timestampMs: 1_700_000_000_000,
  sourceOffsets: {
    orders: { epoch: 7, offsets: { b: "2", a: "1" }, metadata: { topic: 'x"\u0007' } },
    "é🦀": { epoch: 6, offsets: {} },
  },
  sinkEpochs: { s: 6 },
  sinkCommitStatuses: {
    c: { status: "committed" },
    a: { status: "failed", message: "down\n" },
    b: { status: "pending" },
  },
  tableOffsets: { t: { epoch: 1, offsets: { version: "42" } } },
  operatorStates: {
    window: inlineOperator(Buffer.from("hello")),
    join: { external: true, externalOffset: 4, externalLength: 8 },
  },
  tableStoreCheckpointPath: "/t",
  watermark: -(2n ** 63n),
  sourceWatermarks: { orders: 2n ** 63n - 1n },
  sourceNames: ["é🦀", "orders"],
  sinkNames: ["s"],
  pipelineHash: 2n ** 64n - 1n,
  vnodeCount: 65_535,
  stateChecksum: "ab".repeat(32),
  stateSize: 12,
  operatorChecksums: { join: "cd".repeat(32) },
  writer: { epoch: 2, token: "t", from: 41, fenced: 3 },
  updateToken: "u",
  unknownFields: new Map<string, JsonValue>([
    ["zeta", { number: "1.50" }],
    ["10", [null, true]],
  ]),
})

export function catchError(run: () => unknown): CheckpointError {
  try {
    run()
  } catch (error) {
    if (error instanceof CheckpointError) return error
    throw error
  }
  return expect.fail("accepted")
}
