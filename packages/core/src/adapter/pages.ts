import { BackendError } from "../errors.js"

export interface Page<T> {
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
  let token: string | undefined
  do {
    const { items, next } = await page(token)
    yield* items
    token = next === "" ? undefined : next
    if (token === undefined) return
    if (seen.has(token)) throw new BackendError("transient", `the listing goes in circles: page ${token} came twice`)
    seen.add(token)
  } while (token !== undefined)
}
