import { nameOf } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import type { Disk } from "./disk.js"

/** The order in which objects that come at once are shown: whatever is needed comes first, and goes last. */
const ranks = ["state", "manifest", "history", "pointer"]

/** Not the temporary names beside them. */
const shown = /^checkpoints\/(?:checkpoint_\d+\/(?:manifest\.json|state\.bin)|latest\.txt|history\.json)$/

/** Shows a folder of a disk as the objects of a storage, for the model to look at. */
export class Mirror {
  readonly #disk: Disk
  readonly #folder: string
  readonly #storage: SimulatedStorage

  constructor(disk: Disk, folder: string, storage: SimulatedStorage) {
    this.#disk = disk
    this.#folder = folder
    this.#storage = storage
  }

  /** To be called after each change of the disk. */
  update(): void {
    const { objects } = this.#storage
    const seen = new Map(
      this.#disk
        .files(this.#folder)
        .map((file) => [file.path.slice(this.#folder.length + 1), file] as const)
        .filter(([key]) => shown.test(key)),
    )
    const rank = (key: string) => ranks.indexOf(nameOf(key)?.kind ?? "")
    const gone = [...objects.keys()].filter((key) => !seen.has(key))
    for (const key of gone.sort((a, b) => rank(b) - rank(a))) {
      objects.delete(key)
      this.#storage.onChange?.(key, undefined)
    }
    const come = [...seen].filter(([key, { version }]) => objects.get(key)?.meta.version !== version)
    for (const [key, { version, bytes, mtimeMs }] of come.sort(([a], [b]) => rank(a) - rank(b))) {
      const object = { bytes, meta: { key, size: bytes.length, version, lastModified: new Date(mtimeMs) } }
      objects.set(key, object)
      this.#storage.onChange?.(key, object)
    }
  }
}
