/** The span of time that all charts of a page show. It stands in the URL, and goes along to the other views of the store. */
export interface Span {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly to: number
}

export class Range {
  readonly #listeners = new Set<() => void>()
  #shown: Span | undefined
  #whole: Span = { from: 0, to: 1 }
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    const query = new URLSearchParams(location.search)
    const [from, to] = [Number(query.get("from")), Number(query.get("to"))]
    if (query.has("from") && query.has("to") && to > from) this.#shown = { from, to }
    this.#spread()
  }

  /** What is shown. */
  get now(): Span {
    return this.#shown ?? this.#whole
  }

  /** True while everything is shown: what comes is then shown too. */
  get isWhole(): boolean {
    return this.#shown === undefined
  }

  get whole(): Span {
    return this.#whole
  }

  /** What there is to show. */
  setWhole(times: readonly number[]): void {
    const [first, last] = [times[0] ?? Date.now() - 60_000, times.at(-1) ?? Date.now()]
    const room = Math.max(500, (last - first) * 0.02)
    this.#whole = { from: first - room, to: last + room }
  }

  /** Shows a span; everything, if there is none. Neither narrower than a tenth of a second, nor beyond what there is. */
  show(span: Span | undefined): void {
    const { from, to } = this.#whole
    const length = span && Math.max(100, span.to - span.from)
    if (span === undefined || length === undefined || length >= to - from) this.#shown = undefined
    else {
      const start = Math.min(Math.max(span.from, from), to - length)
      this.#shown = { from: start, to: start + length }
    }
    for (const listener of this.#listeners) listener()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#spread(), 200)
  }

  pan(ms: number): void {
    const { from, to } = this.now
    if (!this.isWhole) this.show({ from: from + ms, to: to + ms })
  }

  /** @param at the time that stays where it is */
  zoom(factor: number, at: number): void {
    const { from, to } = this.now
    this.show({ from: at - (at - from) * factor, to: at + (to - at) * factor })
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Into the URL, and into the links to the other views with charts. */
  #spread(): void {
    const links = [...document.querySelectorAll<HTMLAnchorElement>(".tabs > a")].slice(0, 3)
    for (const url of [location.href, ...links.map(({ href }) => href)].map((href) => new URL(href))) {
      for (const name of ["from", "to"] as const) {
        if (this.#shown === undefined) url.searchParams.delete(name)
        else url.searchParams.set(name, String(Math.round(this.#shown[name])))
      }
      if (url.pathname === location.pathname) history.replaceState(null, "", url)
      for (const link of links) if (new URL(link.href).pathname === url.pathname) link.href = url.href
    }
  }
}
