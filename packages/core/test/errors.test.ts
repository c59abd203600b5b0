import { expect, test, vi } from "vitest"
import { BackendError, CheckpointError } from "../src/errors.js"

test("an error of a second copy of this package is recognised", async () => {
  vi.resetModules()
  const second = await import("../src/errors.js")
  expect(second.CheckpointError).not.toBe(CheckpointError)
  const error = new second.CheckpointError("CKPT_CONFLICT", "taken", { checkpointId: 7 })
  expect(error instanceof CheckpointError).toBe(true)
  expect(error instanceof BackendError).toBe(false)
  expect(new second.BackendError("transient", "x") instanceof BackendError).toBe(true)
  for (const other of [new Error("x"), { code: "CKPT_CONFLICT" }, null, undefined, "CKPT_CONFLICT"]) {
    expect((other as unknown) instanceof CheckpointError).toBe(false)
  }
})

test("an error has only the details that are known", () => {
  const cause = new Error("disk")
  const error = new CheckpointError("CKPT_IO", "failed", {
    checkpointId: 3,
    key: "k",
    backend: "fs",
    retryable: true,
    cause,
  })
  expect(error).toMatchObject({
    name: "CheckpointError",
    code: "CKPT_IO",
    checkpointId: 3,
    key: "k",
    backend: "fs",
    retryable: true,
  })
  expect(error.cause).toBe(cause)
  expect(Object.keys(new CheckpointError("CKPT_IO", "failed"))).not.toContain("key")
})
