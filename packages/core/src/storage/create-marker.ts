import { createOnce } from "./create-once.js"
import { bytesBody, type Storage } from "./storage.js"

/** Creates an object whose key says all there is to say, so that whatever is there already is it. */
export async function createMarker(
  storage: Storage,
  key: string,
  content: object,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = bytesBody(new TextEncoder().encode(`${JSON.stringify(content)}\n`))
  const created = await createOnce(storage, key, body, { signal })
  if (created.outcome !== "unknown") return
  // No attempt was answered: the key says whether one of them took effect.
  if ((await storage.head(key, signal)) === undefined) throw created.cause
  await storage.confirm([key], created.cause, signal)
}
