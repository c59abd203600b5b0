const registered = new Set<string>()

/** A colour of the style sheet, as it is now. A property that is registered as a colour has that of the theme; another its own text. */
export function colour(name: string): string {
  if (!registered.has(name)) {
    CSS.registerProperty({ name: `--${name}`, syntax: "<color>", inherits: true, initialValue: "transparent" })
    registered.add(name)
  }
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

/** The colour of a series: as many as people tell apart, then those again. */
export function seriesColour(at: number): string {
  return colour(`c${at % 8}`)
}

/** The legend of series: a swatch and a name each. Names are those of jobs, so they are text and nothing else. */
export function seriesLegend(root: Element, names: readonly string[]): void {
  const items = names.map((name, at) => {
    const item = document.createElement("li")
    const swatch = document.createElement("span")
    swatch.className = `swatch c${at % 8}`
    const text = document.createElement("bdi")
    text.className = "name"
    text.textContent = name
    item.append(swatch, " ", text)
    return item
  })
  root.querySelector(".legend.series")?.replaceChildren(...items)
}
