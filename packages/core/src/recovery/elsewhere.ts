import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import type { Elsewhere, Listing } from "../history/listing.js"
import type { Place } from "../storage/place.js"

/**
 * To be called where no checkpoint is found: whoever took that for an empty store would begin beside its own data.
 *
 * @param looking for checkpoints that this store never lists; begun here if it was not before
 * @throws {CheckpointError} `CKPT_INVALID` if there are checkpoints in the other layout, of a node of a cluster, or one level up
 */
export async function assertNotElsewhere(
  { place, lister }: History,
  { elsewhere: key }: Listing,
  signal: AbortSignal | undefined,
  looking?: Promise<Elsewhere | undefined>,
): Promise<void> {
  const other = key === undefined ? await (looking ?? lister.elsewhere(signal)) : { key }
  if (other !== undefined) throw storeElsewhere(place, other)
}

function storeElsewhere({ layout, backend }: Place, elsewhere: Elsewhere): CheckpointError {
  const { key } = elsewhere
  const message = `nothing was saved on ${backend} ${whereIs(layout, elsewhere)}, or use another place to start anew.`
  return new CheckpointError("CKPT_INVALID", message, { backend, key })
}

function whereIs({ name }: Place["layout"], { key, node, folder }: Elsewhere): string {
  if (node !== undefined)
    return (
      `here, but ${key} is of a node of a cluster. ` +
      `Open the store of that node with prefix: ${JSON.stringify(node)} (on the filesystem: that folder)`
    )
  if (folder !== undefined)
    return (
      `here, but ${key} lies as in the folder ${folder} of a store. ` +
      `Open that store: its folder or prefix ends before ${folder}`
    )
  const other = name === "objects" ? "directory" : "objects"
  return `in the layout "${name}", but ${key} is of the layout "${other}". Open the store with layout: "${other}"`
}
