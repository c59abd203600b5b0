import type { Command } from "commander"
import { choiceHelp, chooseId, isIdText, pinNameOf } from "../looking/choose.js"
import { Refused, WrongUsage } from "../output/exit.js"
import { type ChangingFlags, changing } from "./changing.js"
import type { Context } from "./context.js"
import { claimFlag, type StoreFlags, storeCommand } from "./store-command.js"
import { withStore } from "./with-store.js"

interface PinFlags extends StoreFlags, ChangingFlags {}

/** `ckpt pin`: makes a checkpoint a savepoint. */
export function pinCommand(context: Context): Command {
  const examples = ["pin file:./data latest before-upgrade", "pin s3://bucket/job 42 audit-2026"]
  return storeCommand("pin", "Pin a checkpoint under a name: retention leaves it alone.", examples)
    .argument("<checkpoint>", choiceHelp)
    .argument("<name>", "up to 100 letters, digits, dots, _ and -")
    .option(...claimFlag)
    .action((url: string, which: string, name: string, flags: PinFlags) => pin(context, url, { which, name, flags }))
}

async function pin(
  context: Context,
  url: string,
  { which, name, flags }: { which: string; name: string; flags: PinFlags },
): Promise<void> {
  const { terminal, signal } = context
  // Every command would take it for that checkpoint. `show STORE pin:7` finds a pin of this name that a job made.
  if (isIdText(name))
    throw new WrongUsage(`a pin called ${JSON.stringify(name)} would be taken for a checkpoint; take another name.`)
  await withStore(context, url, flags, {}, async (opened) => {
    const id = await chooseId(opened.store, which, signal)
    await changing(context, opened, flags, (store) => store.pin(id, name, { signal }))
    if (flags.json) await terminal.json("pinned", { id, name })
    else await terminal.print(`pinned ${id} as ${name}`)
  })
}

/** `ckpt unpin`: gives a checkpoint back to retention. */
export function unpinCommand(context: Context): Command {
  return storeCommand("unpin", "Remove a pin by its name.", ["unpin file:./data before-upgrade"])
    .argument("<name>", "the name of the pin")
    .option(...claimFlag)
    .action((url: string, name: string, flags: PinFlags) => unpin(context, url, name, flags))
}

async function unpin(context: Context, url: string, text: string, flags: PinFlags): Promise<void> {
  const { terminal, signal } = context
  const name = pinNameOf(text)
  await withStore(context, url, flags, {}, async (opened) => {
    const existed = await changing(context, opened, flags, (store) => store.unpin(name, { signal }))
    if (!existed) throw new Refused(`no pin has the name ${JSON.stringify(name)}; ckpt ls shows the pins.`)
    if (flags.json) await terminal.json("unpinned", { name })
    else await terminal.print(`unpinned ${name}`)
  })
}
