import { setTimeout } from "node:timers/promises"
import { Coordinator } from "./child.js"
import { openStore, type Place } from "./place.js"
import type { Answer } from "./protocol.js"

export interface Outcome {
  /** Every checkpoint that counts, oldest first, with its writer and its count. Always one line of history. */
  readonly history: string
  /** The answer to the coordinator that had been stopped. */
  readonly late: Answer
}

/**
 * Anna leads and saves. She is stopped while an order to save is on its way to her. Ben claims, recovers and goes on.
 * Anna wakes up and carries out her order.
 */
export async function play(place: Place, say: (line: string) => void): Promise<Outcome> {
  await using anna = new Coordinator("anna", place)
  await using ben = new Coordinator("ben", place)
  const tell = async (who: Coordinator, order: "lead" | "save") => {
    const answer = await who.tell({ do: order })
    say(`${who.name} ${inWords(answer)}`)
    return answer
  }

  await tell(anna, "lead")
  for (let n = 0; n < 3; n++) await tell(anna, "save")
  anna.stop()
  say("anna is stopped (SIGSTOP), and a save is on its way to her")
  const waking = anna.tell({ do: "save" })

  // On a machine's own disk a holder that may be alive is not superseded. So ask until it has been silent long enough.
  for (let asked = 1; ; asked++) {
    const answer = await ben.tell({ do: "lead" })
    if (answer.outcome === "leads" || asked === 1) say(`ben ${inWords(answer)}`)
    if (answer.outcome === "leads") break
    await setTimeout(100)
  }
  for (let n = 0; n < 2; n++) await tell(ben, "save")

  anna.wake()
  const late = await waking
  say(`anna wakes up, and ${inWords(late)}`)
  await tell(ben, "save")
  return { history: await readHistory(place), late }
}

function inWords(answer: Answer): string {
  if (answer.outcome === "leads") return `leads, from checkpoint ${answer.recovered ?? "none"}`
  if (answer.outcome === "saved") return `saved checkpoint ${answer.id}: ${answer.count}`
  return `is refused: ${answer.code}`
}

async function readHistory(place: Place): Promise<string> {
  await using store = await openStore(place)
  const steps: string[] = []
  for await (const { id, valid } of store.list()) {
    if (!valid) throw new Error(`checkpoint ${id} is damaged`)
    const manifest = await store.load(id)
    const state = manifest?.operatorStates["count"]?.stateB64
    if (typeof state !== "string") throw new Error(`checkpoint ${id} has no count`)
    const { count, by } = JSON.parse(Buffer.from(state, "base64").toString())
    steps.push(`${id} ${by} ${count}`)
  }
  return steps.join(" → ")
}
