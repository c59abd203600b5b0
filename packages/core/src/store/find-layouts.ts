import { mapConcurrently } from "../async/concurrency.js"
import { CheckpointError } from "../errors.js"
import type { LayoutName } from "../format/layout.js"
import { isWithin } from "../history/listing.js"
import { checkOptions } from "../input/check-options.js"
import type { ShapeOf } from "../input/kinds.js"
import { type OperationOptions, operationShape } from "../options.js"
import type { Place } from "../storage/place.js"
import { type OpenOptions, openShape } from "./api.js"
import { assemble } from "./assemble.js"
import { Calls } from "./calls.js"

/** Where {@link findLayouts} looks. */
export interface FindLayoutsOptions
  extends OperationOptions,
    Pick<OpenOptions, "backend" | "prefix" | "retry" | "timeoutMs"> {}

const { backend, prefix, retry, timeoutMs } = openShape.fields
const shape: ShapeOf<FindLayoutsOptions> = {
  fields: { backend, prefix, retry, timeoutMs, ...operationShape.fields },
  example: "{ backend }",
}

const names: readonly LayoutName[] = ["directory", "objects"]

/**
 * The layouts of the stores that lie under a prefix: for a program that opens whatever is there. None: nothing was saved there. Also
 * the layout of a store is found whose own folder of manifests the prefix names; `recover` then says where that store begins.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for an option that cannot be used; `CKPT_TIMEOUT`, `CKPT_DENIED` and `CKPT_IO` if the
 *   storage fails
 */
export async function findLayouts(options: FindLayoutsOptions): Promise<LayoutName[]> {
  checkOptions("findLayouts", options, shape)
  const { signal, ...rest } = options ?? {}
  if (rest.backend === undefined)
    throw new CheckpointError("CKPT_INVALID", "findLayouts: backend is missing; give { backend }, a storage.")
  const places = names.map((layout) => assemble({ ...rest, layout }, undefined).history.place)
  const calls = new Calls((places[0] as Place).gate, rest.backend.name, true)
  try {
    return await calls.run("findLayouts", undefined, { signal }, operationShape, async () => {
      const found = await mapConcurrently(places, (place) => isThere(place, signal))
      return names.filter((_, at) => found[at])
    })
  } finally {
    await Promise.all(places.map(({ storage }) => storage.close()))
  }
}

async function isThere({ storage, layout }: Place, signal: AbortSignal | undefined): Promise<boolean> {
  const isOurs = ({ key }: { readonly key: string }) => layout.meaning(key).kind !== "foreign"
  for (const sign of layout.signs) if ((await storage.find(sign, isOurs, signal)) !== undefined) return true
  return (await storage.find(layout.withinPrefix, ({ key }) => isWithin(layout, key), signal)) !== undefined
}
