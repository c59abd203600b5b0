import type { OpenedStore } from "../stores/opened.js"
import { Looker } from "./look.js"
import { type Slots, Verifying } from "./verifying.js"
import { SourceReader } from "./data/sources.js"

/** A store that is served, and all that the page keeps about it. */
export interface Served {
  readonly opened: OpenedStore
  /** Its place in URLs: `/s/<slug>/`. */
  readonly slug: string
  readonly looker: Looker
  readonly verifying: Verifying
  readonly sources: SourceReader
  /** Ends what goes on. The store itself stays open. */
  close(): Promise<void>
}

/** The stores by their slugs, which come from their names: two of one name get a number. */
export function serveAll(stores: readonly OpenedStore[], slots: Slots, onChange: (served: Served) => void): Served[] {
  const taken = new Set<string>()
  return stores.map((opened) => {
    const slug = slugOf(opened.name, taken)
    taken.add(slug)
    const looker = new Looker(opened.store)
    const verifying: Verifying = new Verifying(opened.store, slots, () => onChange(served))
    const sources = new SourceReader(opened.store)
    const close = async () => {
      await Promise.all([looker.close(), verifying.close(), sources.close()])
    }
    const served: Served = { opened, slug, looker, verifying, sources, close }
    return served
  })
}

function slugOf(name: string, taken: ReadonlySet<string>): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 40) || "store"
  for (let number = 1; ; number++) {
    const slug = number === 1 ? plain : `${plain}-${number}`
    if (!taken.has(slug)) return slug
  }
}
