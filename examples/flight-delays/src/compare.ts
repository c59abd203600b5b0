// Two results are the same if the bytes of every file in the output folder are, and those of every part of the latest
// checkpoint that follows from the input. Three parts may differ between two correct runs and are left out: the
// checkpoint's id, its timestamp and the token of its last update (and so the manifest's checksum over them).

import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { manifestToJson, openFsStore } from "@ckpt/fs"

export interface Compared {
  readonly what: string
  readonly detail: string
  readonly same: boolean
}

type Parts = Map<string, Uint8Array>

export async function compareRuns(expectedFolder: string, actualFolder: string): Promise<Compared[]> {
  const [expected, actual] = await Promise.all([partsOf(expectedFolder), partsOf(actualFolder)])
  return [
    ...compareOutput(expected.output, actual.output),
    ...compareParts(expected.state, actual.state),
    await checkSinks(join(actualFolder, "store")),
    await findLeftovers(join(actualFolder, "store", "checkpoints")),
  ]
}

async function partsOf(folder: string): Promise<{ output: Parts; state: Parts }> {
  const output: Parts = new Map()
  const names = (await readdir(join(folder, "output"))).sort()
  // Every file counts, also a file that should not be there. Example: output that stayed staged.
  for (const name of names) output.set(name, await readFile(join(folder, "output", name)))
  return { output, state: await finalState(join(folder, "store")) }
}

async function finalState(folder: string): Promise<Parts> {
  await using store = await openFsStore(folder, { readOnly: true })
  const found = await store.recover()
  if (found.checkpoint === undefined) throw new Error(`no checkpoint verifies in ${folder} (${found.outcome})`)
  const { checkpoint } = found
  const { manifest } = checkpoint
  const parts: Parts = new Map()
  for (const name of Object.keys(manifest.operatorStates)) {
    const bytes = await checkpoint.operator(name)
    if (bytes !== undefined) parts.set(`operator ${name}`, bytes)
  }
  const state = await checkpoint.state()
  if (state !== undefined) parts.set("state.bin", await state.bytes())
  parts.set("source offsets", json(manifest.sourceOffsets))
  parts.set("sink epochs and statuses", json([manifest.sinkEpochs, manifest.sinkCommitStatuses]))
  const { updateToken: _token, ...rest } = manifest
  parts.set("manifest", Buffer.from(manifestToJson({ ...rest, checkpointId: 1, timestampMs: 1 })))
  return parts
}

/** Every sink must be committed: two runs that both forgot to commit would be equal. */
async function checkSinks(folder: string): Promise<Compared> {
  await using store = await openFsStore(folder, { readOnly: true })
  const { checkpoint } = await store.recover()
  const statuses = Object.values(checkpoint?.manifest.sinkCommitStatuses ?? {}).map(({ status }) => status)
  const same = statuses.length > 0 && statuses.every((status) => status === "committed")
  return { what: "every sink committed", detail: statuses.join(", "), same }
}

/**
 * Killed saves leave unfinished folders. The last worker must have removed them, or crashes would fill the disk. Only the probe
 * of a worker that was killed in its first write stays, for an hour: a collection cannot tell it from that of a living worker.
 */
async function findLeftovers(checkpoints: string): Promise<Compared> {
  const names = (await readdir(checkpoints)).filter(
    (name) => !/^(checkpoint_\d+|latest\.txt|history\.json|\.ckpt-probe-.*)$/.test(name),
  )
  return {
    what: "leftovers in the store",
    detail: names.length === 0 ? "none" : names.join(", "),
    same: names.length === 0,
  }
}

function compareOutput(expected: Parts, actual: Parts): Compared[] {
  const wrong = [...new Set([...expected.keys(), ...actual.keys()])].filter(
    (name) => !equal(expected.get(name), actual.get(name)),
  )
  const bytes = [...actual.values()].reduce((sum, file) => sum + file.length, 0)
  const files = `${actual.size} files, ${count(bytes)} bytes`
  const detail = wrong.length === 0 ? files : `${files}; ${wrong.length} differ: ${wrong.slice(0, 3).join(", ")}`
  return [{ what: "output", detail, same: expected.size > 0 && wrong.length === 0 }]
}

function compareParts(expected: Parts, actual: Parts): Compared[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].map((what) => {
    const [a, b] = [expected.get(what), actual.get(what)]
    const same = equal(a, b)
    const size = (part: Uint8Array | undefined) => (part === undefined ? "absent" : `${count(part.length)} bytes`)
    if (same) return { what, detail: size(b), same }
    const at = a === undefined || b === undefined ? "" : `, different from byte ${firstDifference(a, b)} on`
    return { what, detail: `${size(b)}, expected ${size(a)}${at}`, same }
  })
}

function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at === -1 ? a.length : at
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function count(number: number): string {
  return number.toLocaleString("en-US")
}
