import { type CheckpointManifest, type CheckpointStore, createManifest, type ManifestInit } from "@ckpt/core"
import { textOf } from "../../harness/bytes.js"
import type { Scenario } from "../../harness/scenario.js"

type Run = Scenario["run"]

/** A behaviour that the reference tests twice: on its filesystem store and on its object store. */
export function twins(fsTest: string, objectTest: string, says: string, run: Run): Scenario[] {
  return [
    { name: `${fsTest}: ${says}`, layout: "directory", run },
    { name: `${objectTest}: ${says}`, layout: "objects", run },
  ]
}

export function manifestOf(
  checkpointId: number,
  epoch: number,
  rest: Omit<ManifestInit, "checkpointId" | "epoch"> = {},
): CheckpointManifest {
  return createManifest({ checkpointId, epoch, ...rest })
}

export { bytesOf as textBytes } from "../../harness/bytes.js"

/** The state as text; `undefined` if there is none. */
export async function stateText(store: CheckpointStore, id: number): Promise<string | undefined> {
  const reader = await store.readState(id)
  return reader === undefined ? undefined : textOf(await reader.bytes())
}

/** Id and epoch of each checkpoint, which is what the reference's `list` gives. */
export async function idsAndEpochs(store: CheckpointStore): Promise<[number, number | undefined][]> {
  const pairs: [number, number | undefined][] = []
  for await (const { id, epoch } of store.list()) pairs.push([id, epoch])
  return pairs
}

/** Saves checkpoints 1 to `count`, each with its id as its epoch. */
export async function saveUpTo(store: CheckpointStore, count: number): Promise<void> {
  for (let id = 1; id <= count; id++) await store.save(manifestOf(id, id))
}
