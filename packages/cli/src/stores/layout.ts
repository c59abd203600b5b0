import { type FindLayoutsOptions, findLayouts, type LayoutName } from "@ckpt/core"
import { invalid } from "./url.js"

/**
 * The layout of the store that lies there.
 *
 * @param usual the layout of a store that is not there yet
 * @throws {CheckpointError} `CKPT_INVALID` if stores of both layouts lie there; the codes of `findLayouts`
 */
export async function findLayout(place: FindLayoutsOptions, usual: LayoutName): Promise<LayoutName> {
  const [first, second] = await findLayouts(place)
  if (second === undefined) return first ?? usual
  throw invalid("checkpoints of both layouts lie there; say which are meant: --layout directory or --layout objects")
}
