/** A door that is closed at first. */
export function gate(): {
  /** Resolves once the door is open. */
  readonly passed: Promise<void>
  /** Opens the door, for good. */
  open(): void
} {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

/** Resolves after one turn of the event loop. Timers and answers that are due come first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Resolves once everything that needs neither time nor storage has gone on. In a scenario, `settled` of its context
 * waits for the storage too.
 */
export async function settled(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn()
}

/** Resolves once the condition holds. Rejects after half a minute; no storage for tests needs that long. */
export async function until(condition: () => boolean, what = "the awaited condition"): Promise<void> {
  const giveUp = Date.now() + 30_000
  while (!condition()) {
    if (Date.now() > giveUp) throw new Error(`${what} did not happen`)
    await nextTurn()
  }
}

/** Waits for ever, as a source or a storage that hangs. */
export function never(): Promise<never> {
  return new Promise<never>(() => {})
}
