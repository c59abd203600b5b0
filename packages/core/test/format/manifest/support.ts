import { createHash } from "node:crypto"
import { expect } from "vitest"
import { CheckpointError } from "../../../src/errors.js"
import type { JsonValue } from "../../../src/format/json.js"
import { createManifest } from "../../../src/format/manifest/check.js"
import { decodeManifest } from "../../../src/format/manifest/decode.js"
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
  writer: { epoch: 2, id: "t" },
  updateToken: "u",
  seen: 3,
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

export const base = createManifest({ checkpointId: 1, epoch: 1, timestampMs: 5 })
export const head = `"version":1,"checkpoint_id":1,"epoch":1,"timestamp_ms":5`
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const issueOf = (text: string | Uint8Array): string => {
  const { manifest, issues } = decodeManifest(typeof text === "string" ? bytesOf(text) : text)
  expect(manifest === undefined || issues.length === 0).toBe(true)
  return issues.map((issue) => `${issue.severity} ${issue.code}: ${issue.message}`).join("\n")
}
export const withChecksum = (covered: string): string =>
  `${covered},\n  "manifest_checksum": "${createHash("sha256").update(covered).digest("hex")}"\n}`
