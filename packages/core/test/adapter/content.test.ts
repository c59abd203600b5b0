import { Readable } from "node:stream"
import { expect, test } from "vitest"
import { contentBody } from "../../src/adapter/content.js"
import { BackendError } from "../../src/errors.js"

const toError = (cause: unknown) => new BackendError("transient", "the SDK failed", { cause })

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const stream = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)))

test("exactly the promised bytes", async () => {
  expect(await read(contentBody(stream("ab", "c"), { key: "k", length: 3, toError }))).toBe("abc")
  expect(await read(contentBody(stream(), { key: "k", length: 0, toError }))).toBe("")
})

test.each([2, 4])("an answer that has not the %i bytes it promised is transient", async (length) => {
  const body = contentBody(stream("ab", "c"), { key: "k", length, toError })
  await expect(read(body)).rejects.toMatchObject({ kind: "transient", message: expect.stringContaining(`${length}`) })
})

test("a body that never ends is not read past its promise", async () => {
  let made = 0
  const endless = new Readable({
    highWaterMark: 1,
    read() {
      made++
      this.push(Buffer.from("xx"))
    },
  })
  await expect(read(contentBody(endless, { key: "k", length: 5, toError }))).rejects.toMatchObject({
    kind: "transient",
  })
  expect(made).toBeLessThan(20)
  expect(endless.destroyed).toBe(true)
})

test("the stream's error is translated", async () => {
  const cause = new Error("ECONNRESET")
  const broken = new Readable({
    read() {
      this.destroy(cause)
    },
  })
  await expect(read(contentBody(broken, { key: "k", length: 5, toError }))).rejects.toMatchObject({ cause })
})

test.each(["before the first chunk", "in the middle"])("a reader that leaves %s closes the response", async (when) => {
  const source = stream("ab", "c")
  const iterator = contentBody(source, { key: "k", length: 3, toError })[Symbol.asyncIterator]()
  if (when === "in the middle") await iterator.next()
  await iterator.return?.()
  expect(source.destroyed).toBe(true)
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test("an abort ends a body that hangs, with the reason", async () => {
  const abort = new AbortController()
  const reason = new Error("enough")
  const hanging = new Readable({
    read() {
      queueMicrotask(() => abort.abort(reason))
    },
  })
  const body = contentBody(hanging, { key: "k", length: 3, signal: abort.signal, toError })
  await expect(read(body)).rejects.toBe(reason)
  expect(hanging.destroyed).toBe(true)
})

test("a response that fails before anyone reads it ends no process", async () => {
  const source = new Readable({ read() {} })
  const body = contentBody(source, { key: "k", length: 3, toError })
  source.destroy(new Error("reset"))
  await new Promise((resolve) => source.once("close", resolve))
  await expect(read(body)).rejects.toMatchObject({ kind: "transient" })
})
