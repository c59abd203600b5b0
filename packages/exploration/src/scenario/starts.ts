import { createManifest, type LayoutName, openCheckpointStore, type StoreOperations } from "@ckpt/core"
import { direct } from "../storage/direct.js"
import { pointerKey, stateKey } from "../storage/keys.js"
import { SimulatedStorage } from "../storage/storage.js"
import { stateText } from "./state-text.js"

/** The checkpoints that are there before a schedule begins. */
export type StartName =
  | "nothing"
  | "two"
  | "near a million"
  | "three, pointer behind"
  | "three, no pointer"
  | "two and old orphans"
  /** With a history, and never claimed. */
  | "pruned"
  | "claimed"
  | "claimed twice"

export interface Start {
  readonly storage: SimulatedStorage
  readonly acknowledged: readonly { id: number; content: number }[]
  /** The highest content that is used. */
  readonly contents: number
}

const made = new Map<string, Promise<Start>>()

/** The storage as earlier writers left it: made once, by core without any rule left out. Schedules work on copies. */
export function startOf(name: StartName, contentVersions: boolean, layout: LayoutName = "objects"): Promise<Start> {
  const key = `${name} ${contentVersions} ${layout}`
  let start = made.get(key)
  if (start === undefined) {
    start = make(name, contentVersions, layout)
    made.set(key, start)
  }
  return start
}

async function make(name: StartName, contentVersions: boolean, layout: LayoutName): Promise<Start> {
  const storage = new SimulatedStorage({ contentVersions })
  const backend = direct(storage)
  const plain = await openCheckpointStore({ backend, layout })
  const acknowledged: { id: number; content: number }[] = []
  let store: StoreOperations = plain
  let contents = 0
  const save = async (id: number, withState: boolean) => {
    const content = ++contents
    const state = new TextEncoder().encode(stateText(content))
    const manifest = createManifest({ checkpointId: id, epoch: content, timestampMs: 1 })
    await store.save(manifest, withState ? { state } : {})
    acknowledged.push({ id, content })
    storage.now += 20_000
  }
  const orphan = (id: number) =>
    storage.put(stateKey(id, layout), new TextEncoder().encode(stateText(++contents)), "absent")

  if (name.startsWith("claimed")) {
    await save(1, true)
    store = await plain.claim()
    await save(2, true)
    await save(3, false)
    if (name === "claimed twice") {
      store = await plain.claim()
      await save(4, true)
    }
  } else if (name === "pruned") {
    for (const id of [1, 2, 3, 4]) await save(id, id % 2 === 0)
    await store.pin(1, "kept")
    await store.prune({ last: 2 })
    acknowledged.splice(1, 1)
  } else if (name === "near a million") {
    // From 1,000,000 on the order of keys is not the order of ids.
    await save(999_998, true)
    await save(999_999, true)
  } else if (name !== "nothing") {
    await save(1, true)
    const before = storage.get(pointerKey)
    await save(2, false)
    if (name.startsWith("three")) {
      await save(3, true)
      storage.delete([pointerKey])
      // As after a save whose pointer could not be moved.
      if (name === "three, pointer behind" && before !== undefined) storage.put(before.meta.key, before.bytes, "absent")
    }
    if (name === "two and old orphans") {
      orphan(3)
      storage.now += 4 * 3600 * 1000
      await save(4, true)
      orphan(5)
    }
  }
  return { storage, acknowledged, contents }
}
