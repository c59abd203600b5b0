/**
 * Asks for a page, and has the browser parse it. `XMLHttpRequest` does so without making text of it, which the policy against
 * scripts (Trusted Types) would refuse.
 */
export function askForPage(url: string, form?: FormData): Promise<Document> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(form === undefined ? "GET" : "POST", url)
    request.responseType = "document"
    request.setRequestHeader("Accept", "text/html")
    request.setRequestHeader("X-Requested-By", "page")
    request.onload = () => {
      const page = request.responseXML
      if (page === null) reject(new Error(`the answer is no page (${request.status})`))
      else resolve(page)
    }
    request.onerror = () => reject(new Error("ckpt serve does not answer"))
    request.send(
      form === undefined ? undefined : new URLSearchParams([...form].map(([name, value]) => [name, String(value)])),
    )
  })
}

/** A failure is told in the words of the server: its code, what happened, and what to do. */
export async function askForJson<T>(url: string): Promise<T> {
  const answer = await fetch(url, { headers: { Accept: "application/json" } })
  if (answer.ok) return (await answer.json()) as T
  const text = await answer.text()
  if (answer.headers.get("content-type")?.includes("json") !== true) throw new Error(text)
  const { code, message, advice } = JSON.parse(text) as Readonly<Record<string, string>>
  throw new Error(`${code}: ${message} ${advice}`)
}
