import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import type { CheckpointStore } from "@ckpt/core"
import { type ExpectedCheckpoint, inMemory } from "./fixtures-expected.js"
import type { Fixture } from "./fixtures-files.js"

/** What is read on purpose otherwise than the reference reads it. A field that is absent is read alike. */
interface Differences {
  /** Ids beyond 2^53 - 1, latest first: no number holds them, so they are passed over by key, and never rounded. */
  readonly beyond?: readonly string[]
  readonly ids?: readonly number[]
  readonly list?: readonly (readonly [id: number, epoch: number])[]
  readonly latest?: "rejects"
  readonly recovery: {
    readonly chosen?: number
    readonly skipped?: readonly (readonly [id: number, reason: string])[]
    readonly examined: number
  }
}

/** The deliberate differences, each next to what the reference says. */
const differences: Readonly<Record<string, Differences>> = {
  // The reference: examined 3. It counts all that it listed, this what it looked at.
  basic: { recovery: { examined: 1 } },
  "basic-objects": { recovery: { examined: 1 } },
  legacy: { recovery: { examined: 1 } },
  minimal: { recovery: { examined: 1 } },
  orphan: {
    // The reference: [1, 2]. Its filesystem store takes a directory without a manifest for a checkpoint.
    ids: [1],
    // The reference: skipped [[2, "manifest not found for checkpoint 2"]], examined 2. What is no checkpoint is not skipped.
    recovery: { skipped: [], examined: 1 },
  },
  "wide-ids": {
    beyond: ["18446744073709551615", "9007199254740993"],
    // The reference has the two beyond as well, at the end of both.
    ids: [999_999, 1_000_000],
    list: [
      [999_999, 999_999],
      [1_000_000, 1_000_000],
    ],
    // The reference: 18446744073709551615.
    latest: "rejects",
    // The reference: chosen 18446744073709551615, examined 4. Here the two beyond and the chosen one.
    recovery: { chosen: 1_000_000, examined: 3 },
  },
}

/** Asserts that a store over the fixture's files gives the reference's answers. Writes nothing. */
export async function checkFixture(fixture: Fixture, store: CheckpointStore): Promise<void> {
  const { name, expected } = fixture
  const differs = differences[name]
  assert.ok(differs !== undefined, `no differences are known of fixture ${name}`)

  assert.deepEqual(await store.ids(), differs.ids ?? expected.list_ids.map(({ int }) => Number(int)))
  const list: [number, number | undefined][] = []
  for await (const { id, epoch, valid } of store.list()) {
    list.push([id, epoch])
    assert.equal(valid, true)
  }
  assert.deepEqual(list, differs.list ?? expected.list.map(([id, epoch]) => [Number(id.int), Number(epoch.int)]))

  if (differs.latest === undefined) {
    assert.equal((await store.loadLatest())?.checkpointId, Number(expected.latest.int))
  } else {
    await assert.rejects(store.loadLatest(), { code: "CKPT_CORRUPT", message: /recover\(\)/ })
  }
  for (const checkpoint of expected.checkpoints) {
    if (differs.beyond?.includes(checkpoint.id.int)) await checkBeyond(checkpoint, store)
    else await checkCheckpoint(checkpoint, store)
  }
  await checkRecovery(fixture, differs, store)
}

async function checkCheckpoint(expected: ExpectedCheckpoint, store: CheckpointStore): Promise<void> {
  const id = Number(expected.id.int)
  assert.equal(String(id), expected.id.int, "the id is rounded")
  const wanted = expected.manifest === null ? undefined : inMemory(expected.manifest)
  assert.deepStrictEqual(await store.load(id), wanted)

  const { valid, issues } = await store.verify(id, { depth: "deep" })
  assert.equal(valid, expected.valid)
  assert.deepEqual(
    issues.map(({ severity, message }) => ({ fatal: severity === "fatal", message })),
    expected.issues,
  )

  const state = await store.readState(id)
  assert.equal(state?.size, expected.state_len === null ? undefined : Number(expected.state_len.int))
  if (state === undefined) return
  const bytes = await state.bytes()
  assert.equal(bytes.length, state.size)
  assert.equal(createHash("sha256").update(bytes).digest("hex"), expected.state_sha256)
}

/** The reference loads and verifies it; here no argument can name it, and what is near it is not it. */
async function checkBeyond(expected: ExpectedCheckpoint, store: CheckpointStore): Promise<void> {
  assert.equal(expected.valid, true)
  const rounded = Number(expected.id.int)
  await assert.rejects(store.load(rounded), { code: "CKPT_INVALID" })
  await assert.rejects(store.verify(rounded), { code: "CKPT_INVALID" })
}

async function checkRecovery(fixture: Fixture, differs: Differences, store: CheckpointStore): Promise<void> {
  const { expected, layout } = fixture
  const { beyond = [], recovery } = differs
  const found = await store.recover()
  assert.equal(found.outcome, "recovered")
  assert.equal(found.checkpoint?.id, recovery.chosen ?? Number(expected.recovery.chosen_id.int))
  assert.equal(found.examined, recovery.examined)

  const skipped = recovery.skipped ?? expected.recovery.skipped.map(([id, reason]) => [Number(id.int), reason] as const)
  const reasons = found.skipped.map(({ id, issues }) => [id, issues.map((issue) => issue.message).join("; ")] as const)
  assert.deepEqual(
    reasons.filter(([id]) => id !== undefined),
    skipped,
  )
  const nameless = found.skipped.filter(({ id }) => id === undefined)
  assert.deepEqual(
    nameless.map(({ key }) => key),
    beyond.map((digits) =>
      layout === "directory" ? `checkpoints/checkpoint_${digits}/manifest.json` : `manifests/manifest-${digits}.json`,
    ),
  )
  for (const { issues } of nameless) assert.equal(issues[0]?.code, "number-unsafe")
}
