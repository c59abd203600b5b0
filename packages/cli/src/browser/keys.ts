/** Everything by keyboard. A key alone does something only where nothing is typed. */
export function startKeys(): void {
  const keys = document.querySelector<HTMLDialogElement>("#keys")
  document.querySelector("[data-does=help]")?.addEventListener("click", () => keys?.showModal())
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return
    if (keys?.open === true) return
    if (event.key === "?") keys?.showModal()
    else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1)
    else if (event.key === "u") document.querySelector<HTMLElement>("[data-does=zone]")?.click()
    else if (!follow(event.key)) return
    event.preventDefault()
  })
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=radio]), textarea, select")
}

/** The last element of a key is the nearest: a view's own comes after the navigation's. */
function follow(key: string): boolean {
  const found = [...document.querySelectorAll<HTMLElement>("[data-key]")]
    .filter((one) => one.dataset["key"] === key)
    .at(-1)
  if (found === undefined) return false
  if (found.matches("input")) found.focus()
  else found.click()
  return true
}

function step(by: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("#checkpoints tbody th a")]
  const at = links.indexOf(document.activeElement as HTMLElement)
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))]
  next?.focus()
  next?.scrollIntoView({ block: "nearest" })
}
