import { core, type OnePromise } from "../promise.js"

const coreReadme = "packages/core/README.md"
const storePage = "docs/store/README.md"
const troubleshooting = "docs/troubleshooting.md"

export const callPromises: readonly OnePromise[] = [
  {
    says: "A request is tried so often, and no oftener; a permanent failure once.",
    standsIn: [[coreReadme, "`attempts`: of one request, at most"]],
    checks: [
      {
        scenario: "failure: save tries a permanent failure only once",
        mutants: [
          core(
            "a permanent failure is tried again",
            "storage/retry",
            'const passing = error.kind === "transient" ||',
            "const passing = true ||",
          ),
        ],
      },
      {
        scenario: "storm: load on a storage that is down is CKPT_IO after its attempts and changes nothing",
        mutants: [
          core("one attempt more", "storage/retry", "attempt >= policy.attempts ||", "attempt > policy.attempts ||"),
        ],
      },
    ],
  },
  {
    says: "A request that is not answered is given up after `timeoutMs`, tried again, and is `CKPT_TIMEOUT` in the end.",
    standsIn: [
      [coreReadme, "milliseconds after which an attempt of a request, or a body that stands still, is given up"],
    ],
    checks: [
      {
        scenario:
          "time-out: a list that is never answered is tried again after its time-out, and is CKPT_TIMEOUT in the end",
        mutants: [
          core(
            "a read that timed out is not tried again",
            "storage/attempt",
            'operation.write ? "ambiguous" : "transient", timeoutMs)',
            '"permanent", timeoutMs)',
          ),
        ],
      },
    ],
  },
  {
    says: "An abort ends each call at once, with the signal's own reason.",
    standsIn: [
      [storePage, "An abort rejects with `signal.reason`"],
      [coreReadme, "**An abort ends each call at once**"],
    ],
    checks: [
      {
        scenario: "abort: save in the middle of a request rejects at once with the signal's own reason",
        mutants: [
          core(
            "an abort gives an error of our own",
            "store/calls",
            "signal?.throwIfAborted();\n                throw error instanceof",
            'if (signal?.aborted) throw new Error("aborted");\n                throw error instanceof',
          ),
        ],
      },
    ],
  },
  {
    says: "After `close` no request is made, and every later call is `CKPT_CLOSED`.",
    standsIn: [[storePage, "After it no request is made"]],
    checks: [
      {
        scenario: "input: a closed store refuses every operation, and may be closed again",
        mutants: [
          core("a store that is closed goes on", "async/gate", "this.#isShut = true;", "this.#isShut = false;"),
        ],
      },
      { explored: ["close waits for no call"] },
    ],
  },
  {
    says: "A store that was opened with `readOnly` writes nothing.",
    standsIn: [[coreReadme, "refuse every operation that would write"]],
    checks: [
      {
        scenario: "input: a read-only store refuses every write, reads everything and makes no write request",
        mutants: [core("readOnly is not looked at", "store/calls", "if (this.#readOnly) {", "if (false) {")],
      },
    ],
  },
  {
    says: "Bad input is `CKPT_INVALID`, before any request.",
    standsIn: [
      [troubleshooting, "an argument cannot be used"],
      [coreReadme, "**A mistake is refused before any request.**"],
    ],
    checks: [
      {
        scenario: "input: invalid options are CKPT_INVALID when a store is opened",
        mutants: [
          core(
            "options are not checked",
            "input/check-options",
            "export function checkOptions(",
            "export function checkOptions() {}\nfunction unused(",
          ),
        ],
      },
    ],
  },
  {
    says: "An error of a listener fails no call.",
    standsIn: [[coreReadme, "a listener; its errors are ignored"]],
    checks: [
      {
        scenario: "events: an error of a listener fails no operation",
        mutants: [
          core("errors of listeners come through", "input/quietly", "catch {", "catch (error) {\n        throw error;"),
        ],
      },
    ],
  },
]
