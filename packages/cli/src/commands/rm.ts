import type { StoreOperations } from "@ckpt/core"
import type { Command } from "commander"
import { chooseId } from "../looking/choose.js"
import { bytesOf } from "../looking/operators.js"
import { load } from "../looking/rows.js"
import { latestSound } from "../looking/verify.js"
import { bytesText } from "../output/amounts.js"
import { exit, Refused, WrongUsage } from "../output/exit.js"
import { type ChangingFlags, changing, noteLead } from "./changing.js"
import type { Context } from "./context.js"
import { claimFlag, type StoreFlags, storeCommand, yesFlag } from "./store-command.js"
import { withStore } from "./with-store.js"

interface RmFlags extends StoreFlags, ChangingFlags {
  readonly yes?: true
}

/** What `rm` would do with one checkpoint. */
interface Doomed {
  readonly id: number
  /** Bytes of its state; 0 if its manifest cannot be read. */
  readonly bytes: number
  /** Why it may not go. Absent if it may. */
  readonly refused?: string
}

/** `ckpt rm`: removes single checkpoints. */
export function rmCommand(context: Context): Command {
  const examples = ["rm file:./data 17", "rm file:./data 17 18 --yes"]
  return storeCommand("rm", "Show whether checkpoints may be removed; with --yes, remove them.", examples)
    .argument("<ids...>", "the checkpoints, by their ids")
    .option(...yesFlag)
    .option(...claimFlag)
    .action((url: string, ids: string[], flags: RmFlags) => rm(context, url, ids, flags))
}

async function rm(context: Context, url: string, texts: readonly string[], flags: RmFlags): Promise<void> {
  const wrong = texts.find((text) => !/^\d+$/.test(text))
  // A pin, and "latest", are what must stay.
  if (wrong !== undefined) throw new WrongUsage(`${JSON.stringify(wrong)} is no id; rm takes ids alone, such as 17.`)
  const { terminal, signal } = context
  const acts = flags.yes === true
  await withStore(context, url, flags, { readOnly: !acts }, async (opened) => {
    const ids = await Promise.all([...new Set(texts)].map((text) => chooseId(opened.store, text, signal)))
    if (!acts) {
      await noteLead(context, opened)
      const doomed = await judged(opened.store, ids, signal)
      const refused = doomed.filter((one) => one.refused !== undefined)
      if (flags.json) await terminal.json("rm-preview", { dryRun: true, checkpoints: doomed })
      else await terminal.print(...doomed.map(lineOf))
      if (refused.length > 0) context.finish(exit.refused)
      else if (!flags.json) terminal.note("nothing was removed: --yes acts.")
      return
    }
    await changing(context, opened, flags, async (store) => {
      const refused = (await judged(store, ids, signal)).filter((one) => one.refused !== undefined)
      if (refused.length > 0) {
        throw new Refused(`nothing was removed: ${refused.map(({ id, refused: why }) => `${id} ${why}`).join("; ")}.`)
      }
      for (const id of ids) {
        const existed = await store.remove(id, { signal })
        if (flags.json) await terminal.json("removed", { id, existed })
        else await terminal.print(existed ? `removed ${id}` : `${id} was gone already`)
      }
    })
  })
}

function lineOf({ id, bytes, refused }: Doomed): string {
  return refused === undefined ? `${id} would go, ${bytesText(bytes)} of state` : `${id} ${refused}`
}

/** Whether each may go. The store decides again when it acts. */
async function judged(store: StoreOperations, ids: readonly number[], signal: AbortSignal): Promise<Doomed[]> {
  const [there, pins, latestValid] = await Promise.all([
    store.ids({ signal }),
    store.pins({ signal }),
    latestSound(store, signal),
  ])
  const known = new Set(there)
  return Promise.all(
    ids.map(async (id) => {
      const manifest = known.has(id) ? await load(store, id, signal) : undefined
      const bytes = manifest === undefined ? 0 : bytesOf(manifest)
      const names = pins.filter((pin) => pin.id === id).map(({ name }) => name)
      const refused = whyNot(id, { isThere: known.has(id), names, latestValid })
      return { id, bytes, ...(refused === undefined ? {} : { refused }) }
    }),
  )
}

function whyNot(
  id: number,
  facts: { isThere: boolean; names: readonly string[]; latestValid: number | undefined },
): string | undefined {
  const { isThere, names, latestValid } = facts
  if (!isThere) return "does not exist"
  if (names.length > 0) return `is pinned (${names.join(", ")}): ckpt unpin first`
  if (latestValid === undefined) return "stays, since no checkpoint here is valid"
  if (id === latestValid) return "is the latest valid checkpoint, which always stays"
  return id > latestValid ? `lies above ${latestValid}, the latest valid checkpoint, and stays` : undefined
}
