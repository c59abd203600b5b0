/** The text of the state that a save with this content writes. */
export function stateText(content: number): string {
  return `state of content ${content}`
}
