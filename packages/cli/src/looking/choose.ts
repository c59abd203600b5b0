import { CheckpointError, type StoreOperations } from "@ckpt/core"

/** Whether a text names a checkpoint by itself, and no pin. */
export function isIdText(text: string): boolean {
  return text === "latest" || /^\d+$/.test(text)
}

/** The name of the pin that `before-upgrade` and `pin:7` mean. */
export function pinNameOf(text: string): string {
  return text.replace(/^pin:/, "")
}

/** How a checkpoint is named on the command line. */
export const choiceHelp = "an id, the word latest, or the name of a pin (pin:NAME if it looks like an id)"

/**
 * The id that `7`, `latest`, `before-upgrade` or `pin:7` means.
 *
 * @throws {CheckpointError} `CKPT_NOT_FOUND` without any checkpoint, or for a pin that does not exist; the codes of `ids` and `pins`
 */
export async function chooseId(store: StoreOperations, text: string, signal?: AbortSignal): Promise<number> {
  if (/^\d+$/.test(text)) return idOf(text)
  if (text === "latest") {
    const latest = (await store.ids({ signal })).at(-1)
    if (latest !== undefined) return latest
    throw new CheckpointError("CKPT_NOT_FOUND", "there is no checkpoint here.")
  }
  const name = pinNameOf(text)
  const pins = await store.pins({ signal })
  const pin = pins.find((one) => one.name === name)
  if (pin !== undefined) return pin.id
  const names = pins.slice(0, 20).map((one) => one.name)
  const there = names.length === 0 ? "there are no pins" : `the pins are ${names.join(", ")}`
  throw new CheckpointError("CKPT_NOT_FOUND", `${JSON.stringify(text)} is no id, and no pin has this name; ${there}.`)
}

function idOf(text: string): number {
  const id = Number(text)
  if (Number.isSafeInteger(id) && id >= 1) return id
  throw new CheckpointError("CKPT_INVALID", `${text} is no id; ids are whole numbers from 1 to 2^53 - 1.`)
}
