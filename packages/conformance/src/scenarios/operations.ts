import type { CheckpointStore } from "@ckpt/core"
import { bytes, listAll, manifestOf, stateText } from "./support.js"

/** Every operation of a store, on checkpoints 1 to 4. */
export const operations: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  open: (store) => store.open(1),
  load: (store) => store.load(1),
  loadLatest: (store) => store.loadLatest(),
  ids: (store) => store.ids(),
  list: (store) => listAll(store),
  leadership: (store) => store.leadership(),
  pins: (store) => store.pins(),
  nextId: (store) => store.nextId(),
  readState: async (store) => (await store.readState(1))?.bytes(),
  verify: (store) => store.verify(1),
  recover: (store) => store.recover(),
  save: (store) => store.save(manifestOf(3), { state: bytes(stateText(3)) }),
  saveNext: (store) => store.saveNext({}, { state: bytes(stateText(3)) }),
  nextManifest: (store) => store.nextManifest(),
  writeState: (store) => store.writeState(4, bytes("s")),
  update: (store) => store.update(1, (current) => current),
  remove: (store) => store.remove(1),
  prune: (store) => store.prune({ last: 1 }),
  collectOrphans: (store) => store.collectOrphans({ olderThanMs: 0 }),
}

/** The same store, with this signal among the options of every call. */
export function withSignal(store: CheckpointStore, signal: AbortSignal): CheckpointStore {
  const optionsAt: Readonly<Record<string, number>> = {
    ...{ save: 1, update: 2, remove: 1, load: 1, loadLatest: 0, ids: 0, list: 0, nextId: 0, writeState: 2 },
    ...{
      readState: 1,
      verify: 1,
      recover: 0,
      prune: 1,
      collectOrphans: 0,
      open: 1,
      saveNext: 1,
      nextManifest: 1,
      leadership: 0,
      pins: 0,
    },
  }
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...given: unknown[]) => unknown
      const at = optionsAt[String(name)]
      if (at === undefined) return method.bind(target)
      return (...given: unknown[]) => {
        given[at] = { ...(given[at] as object | undefined), signal }
        return method.apply(target, given)
      }
    },
  })
}
