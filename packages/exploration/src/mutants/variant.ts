import { cp, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Core } from "../core.js"

/** A change of one module of core, as `tsc` has written it. `find` must stand there exactly once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** Core module by module: what its published bundle is made of. */
const modules = fileURLToPath(new URL("../build", import.meta.resolve("@ckpt/core")))

/** A copy of core's modules with some text replaced, loaded beside the real one. */
export async function loadVariant(folder: string, edits: readonly Edit[]): Promise<Core> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n')
  await cp(modules, folder, { recursive: true, filter: (source) => !/\.(?:map|d\.ts)$/.test(source) })
  for (const { file, find, replace } of edits) {
    const path = join(folder, file)
    const text = await readFile(path, "utf8")
    const parts = text.split(find)
    if (parts.length !== 2) {
      throw new Error(
        `${JSON.stringify(find)} stands ${parts.length - 1} times in core's ${file}, not once: bring it up to date`,
      )
    }
    await writeFile(path, parts.join(replace))
  }
  return (await import(pathToFileURL(join(folder, "index.js")).href)) as Core
}
