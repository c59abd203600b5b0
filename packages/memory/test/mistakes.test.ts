import { expect, test } from "vitest"
import { MemoryBackend, openMemoryStore } from "../src/index.js"

const mistakes: readonly [argument: string, options: unknown, ...words: string[]][] = [
  ["readonly", { readonly: true }, "openMemoryStore: there is no option readonly", "mean readOnly?"],
  ["backend: {}", { backend: {} }, "backend is a plain object", "new MemoryBackend()"],
  ["backend: the class", { backend: MemoryBackend }, "the class MemoryBackend", "new MemoryBackend()"],
  ["ownsBackend", { ownsBackend: true }, "no option ownsBackend"],
  ["a backend in place of options", new MemoryBackend(), "name"],
  ["null in place of options", null, "null"],
  ["retain: { lats: 1 }", { retain: { lats: 1 } }, "mean retain.last?"],
]

test.each(mistakes)("openMemoryStore: %s is CKPT_INVALID", async (_, options, ...words) => {
  const error: unknown = await openMemoryStore(options as never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: "CheckpointError", code: "CKPT_INVALID" })
  for (const word of words) expect((error as Error).message).toContain(word)
})

test("MemoryBackend refuses a clock that is none", () => {
  const invalid = expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringContaining("now is") })
  expect(() => new MemoryBackend({ now: 5 } as never)).toThrow(invalid)
})
