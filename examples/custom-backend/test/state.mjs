/**
 * The state of a checkpoint: 4 KiB, or 3 MB for every third.
 *
 * @param {number} id
 * @param {() => void} [half] called when half of it was taken
 */
export async function* stateOf(id, half) {
  const chunk = Buffer.alloc(id % 3 === 0 ? 1_500_000 : 2048, id)
  yield chunk
  half?.()
  yield chunk
}
