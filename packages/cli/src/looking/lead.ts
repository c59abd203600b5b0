import type { Leadership } from "@ckpt/core"

/** Who leads, for people. */
export function leadText({ epoch, writer, claiming, lost }: Leadership): string {
  if (lost !== undefined) return `nobody knows who leads, since the history is lost: ${lost}`
  const now =
    writer === undefined ? `nobody leads; the last claim was ${epoch}` : `claim ${epoch} leads (writer ${writer})`
  if (epoch === 0) return "nobody ever claimed this store"
  return claiming === undefined ? now : `${now}; claim ${claiming} is being made`
}
