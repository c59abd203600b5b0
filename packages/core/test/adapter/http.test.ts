import { expect, test } from "vitest"
import { httpError, parseRetryAfter } from "../../src/adapter/http-errors.js"
import { allPages } from "../../src/adapter/pages.js"

const kinds = (failure: { status?: number; code?: string; message?: string; cause?: unknown }) =>
  [true, false].map((write) => httpError("PUT of k", { cause: undefined, ...failure }, { write }).kind)

test.each([
  [{ status: 412 }, ["precondition", "precondition"]],
  [{ status: 401 }, ["denied", "denied"]],
  [{ status: 403 }, ["denied", "denied"]],
  [{ status: 408 }, ["ambiguous", "transient"]],
  [{ status: 429 }, ["transient", "transient"]],
  [{ status: 500 }, ["ambiguous", "transient"]],
  [{ status: 503 }, ["ambiguous", "transient"]],
  [{ status: 501 }, ["unsupported", "unsupported"]],
  [{ status: 400 }, ["permanent", "permanent"]],
  [{ status: 404 }, ["permanent", "permanent"]],
  [{ status: 200 }, ["ambiguous", "transient"]],
  [{ code: "ECONNRESET" }, ["ambiguous", "transient"]],
  [{ code: "ECONNREFUSED" }, ["transient", "transient"]],
  [{ status: 507 }, ["full", "full"]],
  [{ code: "ENOTFOUND" }, ["permanent", "permanent"]],
  [{ code: "EPROTO" }, ["permanent", "permanent"]],
  [{ code: "EPROTO", message: "ssl3_get_record: decryption failed or bad record mac" }, ["ambiguous", "transient"]],
  [{ code: "EHOSTUNREACH" }, ["ambiguous", "transient"]],
  [{ code: "EHOSTUNREACH", cause: { syscall: "connect" } }, ["transient", "transient"]],
  [{}, ["ambiguous", "transient"]],
])("%j: as a write and as a read", (failure, expected) => {
  expect(kinds(failure)).toEqual(expected)
})

test("the message says what was tried and what came back", () => {
  const cause = new Error("x")
  const error = httpError(
    "s3:PutObject of a/b in bucket jobs",
    { status: 403, code: "AccessDenied", message: "no", cause },
    { write: true },
  )
  expect(error.message).toBe("s3:PutObject of a/b in bucket jobs was answered with 403 (AccessDenied: no)")
  expect(error.cause).toBe(cause)
})

test("Retry-After: seconds, a date, or nothing of use", () => {
  expect(parseRetryAfter("3")).toBe(3000)
  expect(parseRetryAfter("0.5")).toBe(500)
  expect(parseRetryAfter("Wed, 21 Oct 2015 07:28:05 GMT", Date.UTC(2015, 9, 21, 7, 28, 0))).toBe(5000)
  expect(parseRetryAfter("Wed, 21 Oct 2015 07:28:00 GMT", Date.UTC(2015, 9, 21, 7, 28, 5))).toBe(0)
  for (const header of [undefined, null, "", "soon", "-1"]) expect(parseRetryAfter(header, 0)).toBeUndefined()
  expect(httpError("x", { status: 503, retryAfter: "2", cause: undefined }, { write: false }).retryAfterMs).toBe(2000)
})

async function all(pages: Record<string, { items: number[]; next?: string }>): Promise<number[]> {
  const found: number[] = []
  for await (const item of allPages(async (token) => pages[token ?? "first"] ?? { items: [] })) found.push(item)
  return found
}

test("pages: all of them, empty ones with a next one too", async () => {
  expect(
    await all({ first: { items: [1, 2], next: "a" }, a: { items: [], next: "b" }, b: { items: [3], next: "" } }),
  ).toEqual([1, 2, 3])
})

test("pages that go in circles are an error, not an endless listing", async () => {
  await expect(all({ first: { items: [1], next: "a" }, a: { items: [2], next: "a" } })).rejects.toMatchObject({
    kind: "transient",
  })
})
