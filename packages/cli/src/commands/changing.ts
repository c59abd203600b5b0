import { CheckpointError, type Leadership, type StoreOperations } from "@ckpt/core"
import { leadText } from "../looking/lead.js"
import { Refused } from "../output/exit.js"
import type { OpenedStore } from "../stores/opened.js"
import type { Context } from "./context.js"

/** The flags of a command that changes a store. */
export interface ChangingFlags {
  readonly claim?: true
}

/**
 * Changes a store. On a claimed store only with `--claim`: then as its leader, which gives the lead up at the end.
 *
 * @throws {Refused} on a claimed store without `--claim`, and with it on a store that nobody ever claimed
 */
export async function changing<T>(
  { signal, terminal }: Context,
  opened: OpenedStore,
  { claim }: ChangingFlags,
  change: (store: StoreOperations) => Promise<T>,
): Promise<T> {
  const lead = await opened.store.leadership({ signal })
  if (claim !== true) {
    if (lead.epoch > 0) throw new Refused(claimedText(lead))
    terminal.goOn()
    return change(opened.store)
  }
  if (lead.epoch === 0 && lead.lost === undefined) {
    throw new Refused(
      "nobody ever claimed this store; leave --claim out. With a claim, a job that writes without a claim would be refused from then on.",
    )
  }
  terminal.goOn()
  const leader = await opened.store.claim({ signal })
  try {
    return await change(leader)
  } finally {
    await released(leader.release())
  }
}

/** A lead that another writer took meanwhile need not be given up. */
async function released(releasing: Promise<void>): Promise<void> {
  try {
    await releasing
  } catch (error) {
    if (!(error instanceof CheckpointError && error.code === "CKPT_FENCED")) throw error
  }
}

/** What stands in the way of a change of a claimed store, and how to go on. */
function claimedText(lead: Leadership): string {
  if (lead.writer === undefined && lead.claiming === undefined && lead.lost === undefined) {
    return (
      `the store is one of jobs that claim: ${leadText(lead)}. Give --claim: it takes the lead for this one command, and a job that ` +
      "starts meanwhile is refused (CKPT_FENCED) until it claims again."
    )
  }
  return (
    `the store is claimed: ${leadText(lead)}. Let the job that leads do it, or stop the job and give --claim: it takes the lead, and the ` +
    "job is refused (CKPT_FENCED) until it claims again."
  )
}

/** Tells, before a dry run, that `--yes` alone will not do. */
export async function noteLead(context: Context, { store }: OpenedStore): Promise<Leadership> {
  const lead = await store.leadership({ signal: context.signal })
  if (lead.epoch > 0 || lead.lost !== undefined) {
    const how = lead.lost === undefined ? "--yes needs --claim beside it" : "ckpt doctor says what to do"
    context.terminal.note(`ckpt: ${leadText(lead)}; ${how}.`)
  }
  return lead
}
