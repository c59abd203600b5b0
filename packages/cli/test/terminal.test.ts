import { fileURLToPath } from "node:url"
import stringWidth from "string-width"
import { describe, expect, test } from "vitest"
import { ckpt } from "./ckpt.js"
import { opened } from "./seed.js"
import { fileStorage } from "./storages.js"
import { onTerminal } from "./terminal.js"

const sample = ["--backend", fileURLToPath(new URL("backends/sample.mjs", import.meta.url))]
const store = "memory:sample"

/** What takes another time in each run. */
const steady = (screen: string) =>
  screen
    .replaceAll(/\d+(?:\.\d+)? (?:[KMG]i)?B\/s/g, "RATE/s")
    .replaceAll(/in \d+(?: ms|s)/g, "in TIME")
    .replaceAll(/latency: \d+ ms/g, "latency: TIME")

/** All that a terminal may be told: colours, and by the bar its column, the rest of its line, and where the cursor was. */
const allowed = /\x1b\[(?:\d+(?:;\d+)*)?m|\x1b\[\d*[GK]|\x1b\[\?7[hl]|\x1b[78]/g

const lines: Readonly<Record<string, { args: string[]; code: number }>> = {
  ls: { args: ["ls", store], code: 0 },
  show: { args: ["show", store, "3"], code: 0 },
  "show-failed-sink": { args: ["show", store, "4"], code: 0 },
  diff: { args: ["diff", store, "2", "4"], code: 0 },
  verify: { args: ["verify", store, "--all", "--deep"], code: 1 },
  recover: { args: ["recover", store], code: 0 },
  prune: { args: ["prune", store, "last=1"], code: 0 },
  rm: { args: ["rm", store, "1", "2", "5"], code: 1 },
  doctor: { args: ["doctor", store], code: 0 },
}

describe.each([80, 200])("a terminal of %d columns", (columns) => {
  test.each(Object.entries(lines).filter(([name]) => name !== "doctor"))("%s", async (name, { args, code }) => {
    const seen = await onTerminal([...args, ...sample], columns)
    await expect(steady(seen.screen)).toMatchFileSnapshot(`snapshots/${name}-${columns}.txt`)
    expect(seen.code).toBe(code)
    // Nothing of a hostile name reaches the terminal as a command.
    expect(seen.raw.replaceAll(allowed, "")).not.toMatch(
      /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/,
    )
    const plain = seen.screen.replaceAll(/␛\[[\d;]*m/g, "").split("\n")
    if (name !== "verify" && name !== "recover") {
      expect(plain.filter((line) => stringWidth(line) > columns)).toEqual([])
    }
  })

  test("doctor", async () => {
    const seen = await onTerminal(["doctor", store, ...sample], columns)
    await expect(steady(seen.screen).replace(/clock: .*\n.*NTP.*/, "clock: …")).toMatchFileSnapshot(
      `snapshots/doctor-${columns}.txt`,
    )
  })

  test("--help", async () => {
    const seen = await onTerminal(["copy", "--help"], columns)
    await expect(seen.screen).toMatchFileSnapshot(`snapshots/help-${columns}.txt`)
  })
})

test("a bar on a terminal tells how far it is, the throughput and the time left", async () => {
  const { raw } = await onTerminal(["verify", store, "--all", "--deep", ...sample], 100)
  expect(raw).toMatch(/\[=*-*\] \d+% {2}\d\/5 checkpoints/)
  expect(raw).toMatch(/[KM]iB\/s {2}\d+ ms left/)
})

test("NO_COLOR and a dumb terminal have no colours, and the latter no bar", async () => {
  const args = ["verify", store, "--all", "--deep", ...sample]
  expect((await onTerminal(args, 80, { NO_COLOR: "1" })).raw).not.toMatch(/\x1b\[\d+m/)
  expect((await onTerminal(args, 80)).raw).toMatch(/\x1b\[31m✗/)
  expect((await onTerminal(args, 80, { TERM: "dumb" })).raw).not.toContain("\x1b")
})

test("where there is no terminal, there are no colours, no bar and no commands to a terminal, in no answer", async () => {
  for (const { args, code } of Object.values(lines)) {
    for (const json of [[], ["--json"]]) {
      const outcome = await ckpt([...args, ...sample, ...json])
      expect(outcome.code).toBe(code)
      expect(outcome.stdout + outcome.stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
    }
  }
})

test("a binary state is not written to a terminal", async () => {
  // JSON of two operators, one behind the other, is text.
  expect((await onTerminal(["cat", store, "4", ...sample], 80)).code).toBe(0)
  const place = await fileStorage.newPlace()
  for (const bytes of [[0x1b, 0x5b, 0x32, 0x4a], [0xc2, 0x9b, 0x32, 0x4a], [0]]) {
    await using found = await opened(place)
    await found.store.saveNext({}, { state: Uint8Array.from(bytes) })
    const seen = await onTerminal(["cat", place.url, "latest"], 80)
    expect(seen.code).toBe(1)
    expect(seen.screen).toContain("the state is binary, and would garble the terminal")
  }
  const binary = await onTerminal(["export", store, "4", "-", ...sample], 80)
  expect(binary.code).toBe(1)
  expect(binary.screen).toContain("would garble the terminal")
})
