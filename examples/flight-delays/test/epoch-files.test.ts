import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { EpochFiles } from "../src/epoch-files.js"

let folder: string
let sink: EpochFiles
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "epoch-files-")), "output")
  sink = await EpochFiles.open(folder)
})
afterEach(() => rm(join(folder, ".."), { recursive: true }))

describe("epoch files", () => {
  test("what is staged is no output yet", async () => {
    await sink.stage(1, ["a"])
    expect(await readdir(folder)).toEqual(["epoch-000001.jsonl.staged"])
  })

  test("published once, however often it is published", async () => {
    await sink.stage(1, ["a", "b"])
    await sink.publish(1)
    await sink.publish(1)
    expect(await readdir(folder)).toEqual(["epoch-000001.jsonl"])
    expect(await readFile(join(folder, "epoch-000001.jsonl"), "utf8")).toBe("a\nb\n")
  })

  test("a replay with the same lines changes nothing", async () => {
    for (let i = 0; i < 2; i++) {
      await sink.stage(1, ["a"])
      await sink.publish(1)
    }
    expect(await readdir(folder)).toEqual(["epoch-000001.jsonl"])
  })

  test("a replay with other lines is an error, and what was read stays", async () => {
    await sink.stage(1, ["a"])
    await sink.publish(1)
    await sink.stage(1, ["b"])
    await expect(sink.publish(1)).rejects.toThrow("another result")
    expect(await readFile(join(folder, "epoch-000001.jsonl"), "utf8")).toBe("a\n")
  })

  test("what was never staged cannot be published", async () => {
    await expect(sink.publish(1)).rejects.toThrow("never staged")
  })

  test("a half-written stage is written anew", async () => {
    await sink.stage(1, ["a long line that a crash cut"])
    await sink.stage(1, ["a"])
    await sink.publish(1)
    expect(await readFile(join(folder, "epoch-000001.jsonl"), "utf8")).toBe("a\n")
  })
})
