import type { Damage, Expiring, ManifestDamage, StateDamage } from "../scenario/action.js"
import { historyKey, manifestKey, nameOf, pointerKeyOf, stateKey } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import type { Self, World } from "./self.js"

// What befalls a storage besides its stores: an administrator's slip, a bad copy, a backup that is put back, a lifecycle rule.

const cut = (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)

/** Resolves to the words for the trace. */
export async function damageLater(self: Self, action: Damage): Promise<string> {
  // A request may fail; the damage comes all the same.
  for (let left = action.after; left > 0; left--) await self.pause().catch(() => {})
  return damage(self.world, action)
}

/** Damages the storage now. Gives the words for the trace. */
export function damage(world: World, action: Damage): string {
  switch (action.do) {
    case "damage history":
      return damageHistory(world, action)
    case "damage pointer":
      return damagePointer(world, action)
    case "damage manifest":
      return damageManifest(world, action)
    case "damage state":
      return damageState(world, action)
    case "roll manifest back":
      return rollManifestBack(world, action)
    case "lose":
      return lose(world, action)
    case "expire":
      return expire(world, action)
  }
}

function damageHistory(
  { storage, model, layout }: World,
  { how, ago }: Damage & { do: "damage history" | "damage pointer" },
): string {
  const key = historyKey(layout)
  const there = storage.get(key)
  if (there === undefined) return "there is none"
  switch (how) {
    case "delete":
      model.tampering.damageHistory(how, undefined, () => storage.delete([key]))
      return "IS GONE"
    case "garble":
      model.tampering.damageHistory(how, undefined, () => void storage.put(key, cut(there.bytes), undefined))
      return "IS GARBLED"
    case "roll back": {
      const older = model.tampering.olderHistory(ago)
      if (older === undefined) return "there is none so old"
      model.tampering.damageHistory(how, older, () => void storage.put(key, older.bytes, undefined))
      return `IS AS IT WAS ${ago} WRITES AGO`
    }
  }
}

function damagePointer(
  { storage, model, layout }: World,
  { how, ago }: Damage & { do: "damage history" | "damage pointer" },
): string {
  const key = pointerKeyOf(layout)
  const there = storage.get(key)
  if (there === undefined) return "there is none"
  switch (how) {
    case "delete":
      model.tampering.damagePointer(() => storage.delete([key]))
      return "IS GONE"
    case "garble":
      model.tampering.damagePointer(() => void storage.put(key, cut(there.bytes), undefined))
      return "IS GARBLED"
    case "roll back": {
      const older = model.tampering.olderPointer(ago)
      if (older === undefined) return "there is none so old"
      model.tampering.damagePointer(() => void storage.put(key, older.bytes, undefined))
      return `IS AS IT WAS ${ago} WRITES AGO`
    }
  }
}

function damageManifest({ storage, model, layout }: World, { how, which }: Damage & { do: "damage manifest" }): string {
  const id = model.nth(which)
  const key = manifestKey(id, layout)
  const there = storage.get(key)
  if (there === undefined) return `${id} is not there`
  const bytes = damagedManifest(storage, how, there.bytes, manifestKey(id - 1, layout))
  model.tampering.damageCheckpoint(id, () =>
    bytes === undefined ? storage.delete([key]) : void storage.put(key, bytes, undefined),
  )
  return `${id} IS DAMAGED: ${how}`
}

function damagedManifest(
  storage: SimulatedStorage,
  how: ManifestDamage,
  bytes: Uint8Array,
  otherKey: string,
): Uint8Array | undefined {
  switch (how) {
    case "delete":
      return undefined
    case "cut":
      return cut(bytes)
    case "empty":
      return new Uint8Array()
    case "of another id":
      return storage.get(otherKey)?.bytes ?? new TextEncoder().encode("{}")
    case "of a newer version": {
      const text = new TextDecoder().decode(bytes)
      return new TextEncoder().encode(text.replace(/"version": ?\d+/, '"version": 99'))
    }
  }
}

function damageState({ storage, model, layout }: World, { how, which }: Damage & { do: "damage state" }): string {
  const id = model.nth(which)
  const key = stateKey(id, layout)
  const there = storage.get(key)
  if (there === undefined) return `${id} has none`
  const bytes = damagedState(storage, how, there.bytes, stateKey(id - 1, layout))
  // Whoever wrote it did so after the manifest.
  storage.now += 1_000
  model.tampering.damageCheckpoint(id, () => void storage.put(key, bytes, undefined))
  return `${id} HAS A DAMAGED STATE: ${how}`
}

function damagedState(storage: SimulatedStorage, how: StateDamage, bytes: Uint8Array, otherKey: string): Uint8Array {
  switch (how) {
    case "cut":
      return cut(bytes)
    case "empty":
      return new Uint8Array()
    case "of another id":
      return storage.get(otherKey)?.bytes ?? bytes.slice().reverse()
    case "flip":
      return bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte))
  }
}

function rollManifestBack(
  { storage, model, layout }: World,
  { which, ago }: Damage & { do: "roll manifest back" },
): string {
  const id = model.nth(which)
  const key = manifestKey(id, layout)
  const older = model.tampering.olderManifest(id, ago)
  if (older === undefined || storage.get(key) === undefined) return `there is none of ${id} so old`
  model.tampering.rollManifestBack(id, () => void storage.put(key, older.bytes, undefined))
  return `${id} IS AS IT WAS ${ago} WRITES AGO`
}

function lose({ storage, model, layout }: World, { part, which }: Damage & { do: "lose" }): string {
  const id = model.nth(which)
  const keys = [
    ...(part === "state" ? [] : [manifestKey(id, layout)]),
    ...(part === "manifest" ? [] : [stateKey(id, layout)]),
  ].filter((key) => storage.get(key) !== undefined)
  if (keys.length === 0) return `${id} has none`
  model.tampering.damageCheckpoint(id, () => storage.delete(keys))
  // A state that is written now, for a manifest that lost its own, is younger than the manifest.
  storage.now += 1_000
  return `${id} LOSES ${keys.join(" ")}`
}

const kinds: Readonly<Record<Expiring, readonly string[]>> = {
  states: ["state"],
  manifests: ["manifest"],
  everything: ["state", "manifest", "history", "pointer"],
}

function expire({ storage, model }: World, { what, olderThanMs }: Damage & { do: "expire" }): string {
  const gone: string[] = []
  for (const { meta } of [...storage.objects.values()]) {
    const { key, lastModified } = meta
    const name = nameOf(key)
    if (name === undefined || !kinds[what].includes(name.kind)) continue
    if (storage.now - lastModified.getTime() <= olderThanMs) continue
    gone.push(key)
    const remove = () => storage.delete([key])
    if (name.kind === "history") model.tampering.damageHistory("delete", undefined, remove)
    else if (name.kind === "pointer") model.tampering.damagePointer(remove)
    else model.tampering.damageCheckpoint(name.id, remove)
  }
  storage.now += 1_000
  return `REMOVES ${gone.join(" ") || "nothing"}`
}
