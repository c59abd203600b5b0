export function figureOf(root: HTMLElement, name: string): HTMLElement {
  return root.querySelector<HTMLElement>(`figure[data-name=${name}]`) ?? root
}

export function openCheckpoint(id: number | undefined): void {
  if (id !== undefined) location.assign(`${document.body.dataset["base"] ?? "/"}c/${id}`)
}
