import { html } from "hono/html"
import { clean } from "../output/text.js"

/** A piece of the page. Text that goes into it is escaped. */
export type Html = ReturnType<typeof html>

const shownCharacters = 64

/** At most so many characters; a longer text ends in "…". */
export function shortened(text: string, most = shownCharacters): string {
  if (text.length <= most) return text
  const characters = Array.from(text.slice(0, most * 2))
  return characters.length <= most && characters.length === text.length
    ? text
    : `${characters.slice(0, most).join("")}…`
}

/** A name as people see it: one that has nothing to see stands in quotes. */
export function nameText(text: string): string {
  const whole = clean(text)
  return whole.trim() === "" ? JSON.stringify(whole) : whole
}

/** A name that a job chose: isolated, so that its direction does not reach the text around it, and cut if it is long. */
export function named(text: string, most = shownCharacters): Html {
  const whole = nameText(text)
  const short = shortened(whole, most)
  if (short === whole) return html`<bdi class="name">${whole}</bdi>`
  return html`<bdi class="name" title="${shortened(whole, 1_000)}">${short}</bdi>`
}

/** A message, or another text of any length: what is long can be opened. */
export function told(text: string, most = 400): Html {
  const whole = clean(text)
  if (whole.length <= most) return html`<bdi class="told">${whole}</bdi>`
  return html`<details class="told"><summary><bdi>${shortened(whole, most)}</bdi></summary><bdi>${whole}</bdi></details>`
}
