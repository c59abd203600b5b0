import { BackendError } from "../errors.js"
import { bytesBody, type Storage } from "./storage.js"

/** Creates an object whose key says all there is to say, so that whatever is there already is it. */
export async function createMarker(
  storage: Storage,
  key: string,
  content: object,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = bytesBody(new TextEncoder().encode(`${JSON.stringify(content)}\n`))
  const lostAnswers = storage.lostAnswers(key)
  for (;;) {
    try {
      await storage.put(key, body, { when: "absent", signal })
      return
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind === "precondition") return
      if (error.kind !== "ambiguous" || error.unsettleable) throw error
      if ((await storage.head(key, signal)) !== undefined) return
      if (!(await lostAnswers.tryAgain(error, signal))) throw error
    }
  }
}
