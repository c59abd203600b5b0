/** Calls a listener of the caller's. Its error ends here, also that of its promise: it must not fail what it listens to. */
export function quietly(listen: () => unknown): void {
  try {
    const told = listen()
    if (told instanceof Promise) told.catch(() => {})
  } catch {}
}
