import { CheckpointError } from "@ckpt/core"
import { SourceReader } from "./data/sources.js"
import { Door, type StoreToServe } from "./door.js"
import { Looker } from "./look.js"
import { Slots } from "./slots.js"
import { Verifying } from "./verifying.js"

/** A store that is served, and all that the page keeps about it. */
export interface Served {
  readonly url: string
  readonly name: string
  /** Its place in URLs: `/s/<slug>/`. */
  readonly slug: string
  readonly door: Door
  readonly looker: Looker
  readonly verifying: Verifying
  readonly sources: SourceReader
  /** A preview of a prune reads every manifest: one at a time, whoever clicks. */
  readonly previews: Slots
  /** Ends what goes on. The store itself stays open. */
  close(): Promise<void>
}

/** The stores by their slugs, which come from their names: two of one name get a number. */
export function serveAll(stores: readonly StoreToServe[], slots: Slots): Served[] {
  const taken = new Set<string>()
  return stores.map((store) => {
    const slug = slugOf(store.name, taken)
    taken.add(slug)
    const door = new Door(store)
    const looker: Looker = new Looker(door, ({ byId }) => verifying.forgetAllBut(byId))
    const verifying: Verifying = new Verifying(door, slots, () => looker.tell())
    const sources = new SourceReader(door)
    const close = async () => {
      door.close(new CheckpointError("CKPT_CLOSED", "ckpt serve is ending."))
      await Promise.all([looker.close(), verifying.close(), sources.close()])
    }
    return { url: store.url, name: store.name, slug, door, looker, verifying, sources, previews: new Slots(1), close }
  })
}

/** What is known of stores, in short: another text once something else is. */
export function stateOf(all: readonly Served[]): string {
  const known = ({ slug, looker: { now }, verifying }: Served) => [
    slug,
    now.listing?.number ?? 0,
    verifying.version,
    now.failure?.code ?? "",
  ]
  return JSON.stringify(all.map(known))
}

function slugOf(name: string, taken: ReadonlySet<string>): string {
  const plain =
    name
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/^[-.]+|[-.]+$/g, "")
      .slice(0, 40) || "store"
  for (let number = 1; ; number++) {
    const slug = number === 1 ? plain : `${plain}-${number}`
    if (!taken.has(slug)) return slug
  }
}
