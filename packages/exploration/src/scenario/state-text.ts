/** The state of a save with this content, as text. */
export function stateText(content: number): string {
  return `state of content ${content}`
}
