/** Light, dark, or as the system: kept in a cookie, so that the server sends the next page in it at once. */

const themes = ["auto", "light", "dark"] as const
const listeners = new Set<() => void>()

export function startTheme(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-does=theme]")
  const root = document.documentElement
  const show = () => {
    if (button !== null) button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[now(root)]
  }
  show()
  button?.addEventListener("click", () => {
    const next = themes[(themes.indexOf(now(root)) + 1) % themes.length] ?? "auto"
    root.dataset["theme"] = next
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser.
    document.cookie = `ckpt_theme=${next}; path=/; max-age=31536000; samesite=lax`
    show()
    for (const listener of listeners) listener()
  })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const listener of listeners) listener()
  })
}

/** Calls the listener when colours have changed. */
export function onTheme(listener: () => void): void {
  listeners.add(listener)
}

function now(root: HTMLElement): (typeof themes)[number] {
  return themes.find((one) => one === root.dataset["theme"]) ?? "auto"
}
