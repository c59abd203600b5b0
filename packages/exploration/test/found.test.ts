import { readdir, readFile } from "node:fs/promises"
import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import type { Regression } from "../src/regression.js"
import { replay } from "../src/report.js"

const folder = new URL("found/", import.meta.url)

// The faults that exploration found in core itself, each with the schedule that showed it.
for (const file of await readdir(folder)) {
  test(file.replace(".json", "").replaceAll("-", " "), async () => {
    const schedule = JSON.parse(await readFile(new URL(file, folder), "utf8")) as Regression
    const { violation, trace } = await replay(schedule, { core })
    expect(violation?.message, trace.join("\n")).toBeUndefined()
  })
}
