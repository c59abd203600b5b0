import { cp, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { FsBackend } from "@ckpt/fs"
import type { CkptSaver } from "@ckpt/langgraph"
import type { Core } from "../core.js"

/** A change of one module, as `tsc` has written it. `find` must stand there exactly once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A copy of core with some text replaced, loaded beside the real one. */
export async function coreVariant(folder: string, edits: readonly Edit[]): Promise<Core> {
  return (await loadVariant("@ckpt/core", folder, edits)) as Core
}

/** The same of `@ckpt/fs`. */
export async function fsVariant(folder: string, edits: readonly Edit[]): Promise<typeof FsBackend> {
  return ((await loadVariant("@ckpt/fs", folder, edits)) as { FsBackend: typeof FsBackend }).FsBackend
}

/** The same of `@ckpt/langgraph`. */
export async function saverVariant(folder: string, edits: readonly Edit[]): Promise<typeof CkptSaver> {
  return ((await loadVariant("@ckpt/langgraph", folder, edits)) as { CkptSaver: typeof CkptSaver }).CkptSaver
}

async function loadVariant(of: string, folder: string, edits: readonly Edit[]): Promise<unknown> {
  // Module by module: what the published bundle is made of.
  const modules = fileURLToPath(new URL("../build", import.meta.resolve(of)))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n')
  await cp(modules, folder, { recursive: true, filter: (source) => !/\.(?:map|d\.ts)$/.test(source) })
  for (const { file, find, replace } of edits) {
    const path = join(folder, file)
    const text = await readFile(path, "utf8")
    const parts = text.split(find)
    if (parts.length !== 2) {
      throw new Error(
        `${JSON.stringify(find)} stands ${parts.length - 1} times in ${file} of ${of}, not once: bring it up to date`,
      )
    }
    await writeFile(path, parts.join(replace))
  }
  return import(pathToFileURL(join(folder, "index.js")).href)
}
