import type { LayoutName, ObjectBackend } from "@ckpt/core"
import { type Asking, ask } from "./ask.js"
import { invalid } from "./url.js"

/** Names that a layout has and the other has not. The last ones are there even if every manifest is lost. */
const signs: Readonly<Record<LayoutName, readonly (readonly [prefix: string, name: RegExp])[]>> = {
  directory: [
    ["checkpoints/checkpoint_", /^checkpoints\/checkpoint_\d+\//],
    ["checkpoints/latest.txt", /^checkpoints\/latest\.txt$/],
    ["checkpoints/history.json", /^checkpoints\/history\.json$/],
  ],
  objects: [
    ["manifests/manifest-", /^manifests\/manifest-\d+\.json$/],
    ["checkpoints/state-", /^checkpoints\/state-\d+\.bin$/],
    ["manifests/latest.json", /^manifests\/latest\.json$/],
    ["manifests/history.json", /^manifests\/history\.json$/],
  ],
}

/** The layouts of which something lies under the prefix. */
export async function layoutsAt(backend: ObjectBackend, prefix: string, asking: Asking = {}): Promise<LayoutName[]> {
  const names: readonly LayoutName[] = ["directory", "objects"]
  const found = await Promise.all(
    names.map(async (name) => {
      for (const [start, sign] of signs[name])
        if (await hasAny(backend, `${prefix}${start}`, (key) => sign.test(key.slice(prefix.length)), asking))
          return [name]
      return []
    }),
  )
  return found.flat()
}

/**
 * The layout of the store that lies there.
 *
 * @param usual the layout of a store that is not there yet
 * @throws {CheckpointError} `CKPT_INVALID` if stores of both layouts lie there
 */
export async function findLayout(
  backend: ObjectBackend,
  { prefix, usual, ...asking }: Asking & { readonly prefix: string; readonly usual: LayoutName },
): Promise<LayoutName> {
  const [first, second] = await layoutsAt(backend, prefix, asking)
  if (first === undefined) return (await lostIn(backend, prefix, asking)) ?? usual
  if (second === undefined) return first
  throw invalid("checkpoints of both layouts lie there; say which are meant: --layout directory or --layout objects")
}

/** Objects of the layout "objects" that lie where its folders should: then the recovery of that layout says so. */
async function lostIn(backend: ObjectBackend, prefix: string, asking: Asking): Promise<LayoutName | undefined> {
  const isOne = (key: string) => /^(?:manifest-\d+\.json|state-\d+\.bin)$/.test(key.slice(prefix.length))
  for (const start of ["manifest-", "state-"])
    if (await hasAny(backend, `${prefix}${start}`, isOne, asking)) return "objects"
  return undefined
}

function hasAny(
  backend: ObjectBackend,
  start: string,
  isSign: (key: string) => boolean,
  asking: Asking,
): Promise<boolean> {
  const question = async (signal: AbortSignal) => {
    for await (const { key } of backend.list(start, { signal })) if (isSign(key)) return true
    return false
  }
  return ask(backend, "looking for checkpoints", question, asking)
}
