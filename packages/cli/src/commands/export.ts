import { randomBytes } from "node:crypto"
import { link, lstat, open, rename, rm, stat } from "node:fs/promises"
import { resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import type { Command } from "commander"
import { archiveOf } from "../looking/archive.js"
import { choiceHelp, chooseId } from "../looking/choose.js"
import { bytesText } from "../output/amounts.js"
import { Refused, WrongUsage } from "../output/exit.js"
import { clean } from "../output/text.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand, withStore } from "./store-command.js"

/** `ckpt export`: one checkpoint as a tar. */
export function exportCommand(context: Context): Command {
  const examples = [
    "export s3://bucket/job 42 incident.tar",
    "export file:./data latest - | ssh host 'cat > incident.tar'",
  ]
  return storeCommand("export", "Write a checkpoint to a tar, which any tar opens and ckpt import takes.", examples)
    .argument("<checkpoint>", choiceHelp)
    .argument("<file>", "the tar, which must not be there yet; - for stdout")
    .action((url: string, which: string, file: string, flags: StoreFlags) =>
      exportTo(context, url, { which, file, flags }),
    )
}

async function exportTo(
  context: Context,
  url: string,
  { which, file, flags }: { which: string; file: string; flags: StoreFlags },
): Promise<void> {
  const { terminal, signal, cwd } = context
  if (file === "-" && flags.json) throw new WrongUsage("the tar goes to stdout, so there is no room for --json.")
  if (file === "-" && terminal.stdout.isTTY)
    throw new Refused("a tar would garble the terminal; give a file, or a pipe behind.")
  await withStore(context, url, flags, { readOnly: true }, async ({ store }) => {
    const checkpoint = await store.open(await chooseId(store, which, signal), { signal })
    const tar = archiveOf(checkpoint, signal)
    if (file === "-") {
      for await (const chunk of tar) await terminal.write(chunk)
      return
    }
    const bytes = await writeWhole(tar, resolve(cwd, file), signal)
    if (flags.json) await terminal.json("exported", { id: checkpoint.id, file, bytes })
    else await terminal.print(`exported ${checkpoint.id} to ${clean(file)}, ${bytesText(bytes)}`)
  })
}

/**
 * Writes a file that appears under its name once it is whole, and never takes the place of another.
 *
 * @returns its bytes
 */
async function writeWhole(chunks: AsyncIterable<Uint8Array>, path: string, signal: AbortSignal): Promise<number> {
  // The end of a long export is a bad time to hear of it.
  if (await isThere(path)) throw taken(path)
  // In containers, two processes may have the same number.
  const unfinished = `${path}.unfinished-${randomBytes(8).toString("hex")}`
  const file = await open(unfinished, "wx")
  try {
    // The stream closes the file.
    await pipeline(chunks, file.createWriteStream({ flush: true }), { signal })
    const { size } = await stat(unfinished)
    await publish(unfinished, path)
    return size
  } finally {
    await rm(unfinished, { force: true })
  }
}

/** A link fails if the name is taken meanwhile; a rename would replace what is there. */
async function publish(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path)
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException
    if (code === "EEXIST") throw taken(path)
    // A filesystem without hard links, such as FAT.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error
    if (await isThere(path)) throw taken(path)
    await rename(unfinished, path)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false
    throw error
  }
}

function taken(path: string): Refused {
  return new Refused(`${path} is there already; give another name.`)
}
