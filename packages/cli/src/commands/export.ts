import { resolve } from "node:path"
import type { Command } from "commander"
import { archiveOf } from "../looking/archive.js"
import { choiceHelp, chooseId } from "../looking/choose.js"
import { bytesText } from "../output/amounts.js"
import { Refused, WrongUsage } from "../output/exit.js"
import { clean } from "../output/text.js"
import { writeWhole } from "../output/whole-file.js"
import type { Context } from "./context.js"
import { type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

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
    const bytes = await writeWhole(tar, resolve(cwd, file), { signal })
    if (flags.json) await terminal.json("exported", { id: checkpoint.id, file, bytes })
    else await terminal.print(`exported ${checkpoint.id} to ${clean(file)}, ${bytesText(bytes)}`)
  })
}
