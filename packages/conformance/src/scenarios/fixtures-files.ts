import { readdir, readFile } from "node:fs/promises"
import { join, sep } from "node:path"
import type { LayoutName } from "@ckpt/core"
import { type ExpectedStore, parseExpected } from "./fixtures-expected.js"

/** A store as the reference wrote it, and what the reference says of it. */
export interface Fixture {
  /** The folder that it comes from, which also names its expectation. */
  readonly name: string
  readonly layout: LayoutName
  /** By key. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly expected: ExpectedStore
}

/**
 * Reads `{folder}/{name}/…` with `{folder}/{name}.expected.json`, all of them. `basic-objects` holds the files of `basic`
 * in the object layout; every other one is given in both layouts, the second time with its files renamed.
 */
export async function readFixtures(folder: string): Promise<Fixture[]> {
  const fixtures: Fixture[] = []
  const entries = await readdir(folder, { withFileTypes: true })
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const isObjects = name.endsWith("-objects")
    const about = isObjects ? name.slice(0, -"-objects".length) : name
    const expected = parseExpected(await readFile(join(folder, `${about}.expected.json`), "utf8"))
    const files = await filesBelow(join(folder, name))
    fixtures.push({ name, layout: isObjects ? "objects" : "directory", files, expected })
    if (!isObjects && name !== "basic") fixtures.push({ name, layout: "objects", files: asObjects(files), expected })
  }
  return fixtures
}

async function filesBelow(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const key = path
      .slice(folder.length + 1)
      .split(sep)
      .join("/")
    files.set(key, new Uint8Array(await readFile(path)))
  }
  return files
}

/** The same store as the reference's other implementation would have written it. */
function asObjects(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const renamed = new Map<string, Uint8Array>()
  for (const [key, bytes] of files) {
    const [, digits, file] = /^checkpoints\/checkpoint_(\d+)\/(.*)$/.exec(key) ?? []
    if (file === "manifest.json") renamed.set(`manifests/manifest-${digits}.json`, bytes)
    else if (file === "state.bin") renamed.set(`checkpoints/state-${digits}.bin`, bytes)
    else if (key === "checkpoints/latest.txt") {
      const id = new TextDecoder().decode(bytes).replace(/^checkpoint_0*/, "")
      renamed.set("manifests/latest.json", new TextEncoder().encode(`{"checkpoint_id":${id}}`))
    } else throw new Error(`the fixture has a file that no layout names: ${key}`)
  }
  return renamed
}
