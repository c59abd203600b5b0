import { createHash } from "node:crypto"
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { inlineOperator } from "@ckpt/core"
import { createManifest, openFsStore } from "@ckpt/fs"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "./folder.js"

const fixtures = join(import.meta.dirname, "../../core/test/fixtures/laminardb-0.23")

/** What the reference, from its release 0.23 on, says of each store; of the last one, what this library says of it. */
const stores: Readonly<Record<string, { valid: readonly number[]; damaged?: readonly number[] }>> = {
  "fs-inline": { valid: [1, 2, 3] },
  "fs-external": { valid: [1, 2, 3] },
  "fs-mixed": { valid: [1, 2, 3] },
  "fs-odd-inline": { valid: [1, 2, 3] },
  "fs-order": { valid: [1] },
  "fs-inline-bitflip": { valid: [1, 2], damaged: [3] },
  "fs-mixed-0.22": { valid: [1, 2, 3] },
}

async function copyOf(name: string): Promise<string> {
  const root = await temporaryFolder()
  await cp(join(fixtures, name), root, { recursive: true })
  return root
}

describe.each(Object.entries(stores))("%s", (name, { valid, damaged = [] }) => {
  const latest = valid.at(-1) as number

  test("is read, verified and recovered as the reference does", async () => {
    const root = await copyOf(name)
    await using store = await openFsStore(root)
    expect(await store.ids()).toEqual([...valid, ...damaged])
    for (const depth of ["shallow", "deep"] as const) {
      for (const id of valid) expect(await store.verify(id, { depth })).toMatchObject({ id, valid: true })
      for (const id of damaged) expect(await store.verify(id, { depth })).toMatchObject({ id, valid: false })
      const found = await store.recover({ depth })
      expect([found.checkpoint?.id, found.skipped.map(({ id }) => id)]).toEqual([latest, damaged])
    }
  })

  test("every operator of it is read, in the walk and from the whole state", async () => {
    const root = await copyOf(name)
    await using store = await openFsStore(root)
    const restored = await store.restore(async (checkpoint) => {
      const bytes = new Map<string, Uint8Array>()
      for (const operator of Object.keys(checkpoint.manifest.operatorStates)) {
        bytes.set(operator, await checkpoint.operator(operator))
      }
      return { bytes, state: await (await checkpoint.state())?.bytes() }
    })
    const { manifest } = restored.checkpoint as NonNullable<typeof restored.checkpoint>
    const file = await readFile(join(root, `checkpoints/checkpoint_00000${latest}/state.bin`)).catch(() => undefined)
    expect(restored.value?.state === undefined).toBe(file === undefined)
    if (file !== undefined) expect(Buffer.from(restored.value?.state ?? []).equals(file)).toBe(true)
    for (const [operator, bytes] of restored.value?.bytes ?? []) {
      const { stateB64, external, externalOffset, externalLength } = manifest.operatorStates[operator] ?? expect.fail()
      // The reference has none for an operator that is named without bytes; here it is empty, since an unknown name rejects.
      const inline = Buffer.from(stateB64 ?? "", "base64")
      const wanted = external ? file?.subarray(externalOffset, externalOffset + externalLength) : inline
      expect(Buffer.from(bytes)).toEqual(wanted)
    }
  })

  test("retention after a save of ours removes nothing that the policy keeps, and nothing that is damaged too early", async () => {
    const root = await copyOf(name)
    await using store = await openFsStore(root, { retain: { last: 3 } })
    const next = await store.nextId()
    await store.save(createManifest({ checkpointId: next, epoch: 99 }))
    expect(await store.ids()).toEqual([...valid.slice(damaged.length > 0 ? 0 : -2), ...damaged, next])
  })

  test("an update of ours leaves it valid, and refuses to change inline states that a checksum covers", async () => {
    const root = await copyOf(name)
    await using store = await openFsStore(root)
    await store.update(latest, (current) => ({ ...current, sinkEpochs: { sink: 5 } }))
    expect(await store.verify(latest)).toMatchObject({ valid: true })
    expect((await store.recover()).checkpoint?.manifest.sinkEpochs["sink"]).toBe(5)
    const manifest = await store.load(latest)
    if (Object.values(manifest?.operatorStates ?? {}).every(({ external }) => external)) return
    const operatorStates = { ...manifest?.operatorStates, extra: inlineOperator(new Uint8Array([1])) }
    const changed = store.update(latest, (current) => ({ ...current, operatorStates }))
    await expect(changed).rejects.toMatchObject({ code: "CKPT_INVALID", message: expect.stringContaining("covers") })
  })
})

test("one flipped bit of a state that belongs to a mixed checkpoint is found, whichever checksum it has", async () => {
  for (const name of ["fs-mixed", "fs-mixed-0.22"]) {
    const root = await copyOf(name)
    const path = join(root, "checkpoints/checkpoint_000003/state.bin")
    const bytes = await readFile(path)
    bytes[2500] = (bytes[2500] as number) ^ 1
    await rm(path)
    await writeFile(path, bytes)
    await using store = await openFsStore(root)
    expect(await store.verify(3)).toMatchObject({ valid: false })
    const found = await store.recover({ depth: "shallow" })
    await expect(found.checkpoint?.operator("operator_graph")).rejects.toMatchObject({ code: "CKPT_CORRUPT" })
    expect((await store.recover()).checkpoint?.id).toBe(2)
  }
})

/** The reference's check since 0.23, written from its description alone: three meanings, told apart by what the manifest holds. */
function referenceTakes(manifest: string, state: Uint8Array | undefined): boolean {
  const { operator_states, state_checksum } = JSON.parse(manifest)
  if (state_checksum === null) return true
  const entries = Object.entries(operator_states as Record<string, { external: boolean; state_b64: string | null }>)
  const inline = entries.filter(([, { external }]) => !external)
  inline.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const sha = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash("sha256")
    for (const part of parts) hash.update(part)
    return hash.digest("hex")
  }
  const digits = sha(inline.map(([name, { state_b64 }]) => `${name}\0${state_b64 ?? ""}\0`).join(""))
  if (inline.length === 0) return state !== undefined && sha(state) === state_checksum
  if (inline.length === entries.length) return digits === state_checksum
  return state !== undefined && sha(digits, state) === state_checksum
}

test("the reference takes what this library writes, in both releases' ways of reading", async () => {
  const root = await temporaryFolder()
  await using store = await openFsStore(root)
  const small = new Uint8Array([1, 2, 3])
  const large = new Uint8Array(70_000).fill(7)
  const saves = [
    {},
    { state: large },
    { operators: { a: small, b: small } },
    { operators: { a: small, b: large } },
    { operators: { "￮": large, "🦀": small, é: new Uint8Array() } },
  ]
  for (const [index, options] of saves.entries()) {
    await store.save(createManifest({ checkpointId: index + 1, epoch: 1 }), options)
  }
  for (const folder of await readdir(join(root, "checkpoints"))) {
    if (!folder.startsWith("checkpoint_")) continue
    const manifest = await readFile(join(root, "checkpoints", folder, "manifest.json"), "utf8")
    const state = await readFile(join(root, "checkpoints", folder, "state.bin")).catch(() => undefined)
    expect(referenceTakes(manifest, state), folder).toBe(true)
    const { state_checksum } = JSON.parse(manifest)
    const plain = state === undefined ? null : createHash("sha256").update(state).digest("hex")
    expect(state_checksum, `${folder}, as releases up to 0.22 read it`).toBe(plain)
  }
})

test("the base of a cluster of the reference is no fresh start: it says where the nodes' stores are", async () => {
  const root = await temporaryFolder()
  await cp(join(fixtures, "fs-external"), join(root, "nodes/node-a"), { recursive: true })
  await using store = await openFsStore(root)
  await expect(store.recover()).rejects.toMatchObject({
    code: "CKPT_INVALID",
    message: expect.stringContaining("nodes/node-a/"),
  })
  await using node = await openFsStore(join(root, "nodes/node-a"))
  expect((await node.recover()).checkpoint?.id).toBe(3)
})
