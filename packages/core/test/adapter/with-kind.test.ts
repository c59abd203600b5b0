import { expect, test } from "vitest"
import { BackendError, withKind } from "../../src/errors.js"

test("an error of another kind keeps its message, cause, waiting time and marks", () => {
  const cause = new Error("x")
  const error = new BackendError("denied", "no", {
    cause,
    retryAfterMs: 1000,
    unsettleable: true,
    checksumMismatch: true,
  })
  expect(withKind(error, "transient")).toMatchObject({ ...error, kind: "transient", message: "no", cause })
  expect(withKind(error, "transient", "no. Wait.").message).toBe("no. Wait.")
})

test("what the error does not have is not added", () => {
  const error = withKind(new BackendError("denied", "no"), "permanent")
  expect(error).not.toHaveProperty("retryAfterMs")
  expect(error).not.toHaveProperty("cause")
})
