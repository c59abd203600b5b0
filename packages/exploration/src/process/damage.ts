import type { Foreign, ManifestDamage } from "../scenario/action.js"
import { historyKey, manifestKey, stateKey } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import type { Self } from "./self.js"

// What befalls a storage besides its stores: an administrator's slip, a bad copy, a backup that is put back.

const cut = (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)

async function pauses(self: Self, count: number): Promise<void> {
  // A request may fail; the damage comes all the same.
  for (let left = count; left > 0; left--) await self.pause().catch(() => {})
}

/** Resolves to the words for the trace. */
export async function damageHistory(
  self: Self,
  { how, ago, after }: Foreign & { do: "damage history" },
): Promise<string> {
  await pauses(self, after)
  const { storage, model, layout } = self.world
  const key = historyKey(layout)
  const there = storage.get(key)
  if (there === undefined) return "there is none"
  switch (how) {
    case "delete":
      model.damageHistory(how, undefined, () => storage.delete([key]))
      return "IS GONE"
    case "garble":
      model.damageHistory(how, undefined, () => void storage.put(key, cut(there.bytes), undefined))
      return "IS GARBLED"
    case "roll back": {
      const older = model.olderHistory(ago)
      if (older === undefined) return "there is none so old"
      model.damageHistory(how, older, () => void storage.put(key, older.bytes, undefined))
      return `IS AS IT WAS ${ago} WRITES AGO`
    }
  }
}

/** Resolves to the words for the trace. */
export async function damageManifest(
  self: Self,
  { how, which, after }: Foreign & { do: "damage manifest" },
): Promise<string> {
  await pauses(self, after)
  const { storage, model } = self.world
  const id = model.nth(which)
  const key = manifestKey(id)
  const there = storage.get(key)
  if (there === undefined) return `${id} is not there`
  const bytes = damagedBytes(storage, how, there.bytes, id)
  model.damageCheckpoint(id, () =>
    bytes === undefined ? storage.delete([key]) : void storage.put(key, bytes, undefined),
  )
  return `${id} IS DAMAGED: ${how}`
}

/** Resolves to the words for the trace. */
export async function lose(self: Self, { part, which, after }: Foreign & { do: "lose" }): Promise<string> {
  await pauses(self, after)
  const { storage, model, layout } = self.world
  const id = model.nth(which)
  const keys = [
    ...(part === "state" ? [] : [manifestKey(id, layout)]),
    ...(part === "manifest" ? [] : [stateKey(id, layout)]),
  ].filter((key) => storage.get(key) !== undefined)
  if (keys.length === 0) return `${id} has none`
  model.damageCheckpoint(id, () => storage.delete(keys))
  // A state that is written now, for a manifest that lost its own, is younger than the manifest.
  storage.now += 1_000
  return `${id} LOSES ${keys.join(" ")}`
}

function damagedBytes(
  storage: SimulatedStorage,
  how: ManifestDamage,
  bytes: Uint8Array,
  id: number,
): Uint8Array | undefined {
  switch (how) {
    case "delete":
      return undefined
    case "cut":
      return cut(bytes)
    case "empty":
      return new Uint8Array()
    case "of another id":
      return storage.get(manifestKey(id - 1))?.bytes ?? new TextEncoder().encode("{}")
    case "of a newer version": {
      const text = new TextDecoder().decode(bytes)
      return new TextEncoder().encode(text.replace(/"version": ?\d+/, '"version": 99'))
    }
  }
}
