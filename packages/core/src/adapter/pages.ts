import { BackendError } from "../errors.js"

/** One page of a listing. */
export interface Page<T> {
  /** What the page shows. May be empty. */
  readonly items: readonly T[]
  /** Where the next page starts; absent or empty after the last one. */
  readonly next?: string | undefined
}

/**
 * All pages of a listing. A page may be empty and still have a next one. A page that leads back to one that was seen
 * would be listed for ever: that is an error.
 */
export async function* allPages<T>(
  page: (token: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, void> {
  const seen = new Set<string>()
  for (let token: string | undefined; ; ) {
    const { items, next } = await page(token)
    yield* items
    if (next === undefined || next === "") return
    if (seen.has(next)) throw new BackendError("transient", `the listing goes in circles: page ${next} came twice`)
    seen.add(next)
    token = next
  }
}
