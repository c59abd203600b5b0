import { existsSync, readdirSync, statSync } from "node:fs"
import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createManifest, openFsStore } from "@ckpt/fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { compareRuns } from "../src/compare.js"
import { checkpointsOnDisk } from "../src/damage.js"
import { supervise, type Verdict } from "../src/supervise.js"
import { commandLines } from "../src/timeline.js"

// The worker is a process of its own, so it runs from the build: build first, or an old worker is tested.
const built = new URL("../dist/", import.meta.url)
const source = new URL("../src/", import.meta.url)
const epochs = 8

let folder: string
beforeAll(async () => {
  for (const name of readdirSync(source)) {
    const js = new URL(name.replace(/\.ts$/, ".js"), built)
    if (!existsSync(js)) throw new Error(`${fileURLToPath(js)} is missing: npm run build first`)
    const stale = statSync(js).mtimeMs < statSync(new URL(name, source)).mtimeMs
    if (stale) throw new Error(`${fileURLToPath(js)} is older than its source: npm run build first`)
  }
  folder = await mkdtemp(join(tmpdir(), "flight-delays-test-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function run(name: string, beforeComparison?: (folder: string) => Promise<void>): Promise<Verdict> {
  const worker = new URL("worker.js", built)
  return supervise({ folder: join(folder, name), seed: 7, kills: 5, minKills: 3, epochs, worker, beforeComparison })
}

describe("a short supervised run", () => {
  let verdict: Verdict
  beforeAll(async () => {
    verdict = await run("plain")
  })

  test("leaves what the uninterrupted run left", () => {
    expect(verdict.problems).toEqual([])
    expect(verdict.ok).toBe(true)
    expect(verdict.compared.map(({ what }) => what)).toEqual([
      "output",
      "operator day",
      "operator panes",
      "state.bin",
      "source offsets",
      "sink epochs and statuses",
      "manifest",
      "every sink committed",
      "leftovers in the store",
    ])
  })

  test("the commands that the demo ends with name the store that it wrote", async () => {
    const [, url] = commandLines(join(folder, "plain")).map((line) => /^ {2}ckpt ls (file:.*)$/.exec(line)?.[1] ?? "")
    await using store = await openFsStore(new URL(url ?? ""), { readOnly: true, mustExist: true })
    expect(await store.ids()).not.toEqual([])
  })

  test("was killed, and skipped a damaged state and a damaged manifest", () => {
    const kills = Object.values(verdict.kills).reduce((sum, n) => sum + n, 0)
    expect(kills).toBeGreaterThanOrEqual(3)
    const files = verdict.damages.map(({ damage }) => damage.file)
    expect(files.sort()).toEqual(["manifest.json", "state.bin"])
    for (const { skipped } of verdict.damages) expect(skipped!.issues).not.toEqual([])
  })

  // Each case changes one part of the killed run's result, and the comparison must report the difference.
  const sabotages: Record<string, { differs: string; spoil: (killed: string) => Promise<void> }> = {
    "a line twice": {
      differs: "output",
      spoil: async (killed) => {
        const file = join(killed, "output", "epoch-000003.jsonl")
        const [line] = (await readFile(file, "utf8")).split("\n")
        await appendFile(file, `${line}\n`)
      },
    },
    "a file too few": { differs: "output", spoil: (killed) => rm(join(killed, "output", "epoch-000001.jsonl")) },
    "output still staged": {
      differs: "output",
      spoil: (killed) => writeFile(join(killed, "output", "epoch-000009.jsonl.staged"), ""),
    },
    "a byte of the large operator": { differs: "operator panes", spoil: (killed) => resave(killed, { flip: "panes" }) },
    "a byte of the small operator": { differs: "operator day", spoil: (killed) => resave(killed, { flip: "day" }) },
    "another offset": { differs: "source offsets", spoil: (killed) => resave(killed, { offset: "1" }) },
    "a sink not committed": {
      differs: "sink epochs and statuses",
      spoil: (killed) => resave(killed, { pending: true }),
    },
    "a damaged latest state": {
      differs: "source offsets",
      spoil: async (killed) => {
        const [latest] = await checkpointsOnDisk(join(killed, "store"))
        const file = join(latest!.folder, "state.bin")
        const bytes = await readFile(file)
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
        await writeFile(file, bytes)
      },
    },
    "an unfinished save": {
      differs: "leftovers in the store",
      spoil: (killed) => writeFile(join(killed, "store", "checkpoints", ".stage-0123456789abcdef"), ""),
    },
  }

  test("a copy compares as equal", async () => {
    await cp(join(folder, "plain", "killed"), join(folder, "copy"), { recursive: true })
    const compared = await compareRuns(join(folder, "plain", "reference"), join(folder, "copy"))
    expect(compared.filter(({ same }) => !same)).toEqual([])
  })

  test.each(Object.entries(sabotages))("%s is found", async (name, { differs, spoil }) => {
    const spoiled = join(folder, `spoiled ${name}`)
    await cp(join(folder, "plain", "killed"), spoiled, { recursive: true })
    await spoil(spoiled)
    const compared = await compareRuns(join(folder, "plain", "reference"), spoiled)
    expect(compared.filter(({ same }) => !same).map(({ what }) => what)).toContain(differs)
  })
})

test("a line written twice makes the verdict fail", async () => {
  const verdict = await run("sabotaged", async (killed) => {
    const output = join(killed, "output")
    const [first] = await readdir(output)
    const file = join(output, first!)
    await appendFile(file, await readFile(file))
  })
  expect(verdict.ok).toBe(false)
  expect(verdict.problems).toEqual([expect.stringContaining("output differs")])
})

/** The latest checkpoint once more under a higher id: valid, with one part changed. */
async function resave(
  killed: string,
  change: { flip?: "day" | "panes"; offset?: string; pending?: boolean },
): Promise<void> {
  await using store = await openFsStore(join(killed, "store"))
  const { checkpoint, nextId } = await store.recover()
  const { operatorStates, stateSize: _size, operatorChecksums: _checksums, ...manifest } = checkpoint!.manifest
  const operators: Record<string, Uint8Array> = {}
  for (const name of Object.keys(operatorStates)) {
    const bytes = (await checkpoint!.operator(name))!.slice()
    if (name === change.flip) bytes[100]! ^= 1
    operators[name] = bytes
  }
  const flights = manifest.sourceOffsets["flights"]!
  await store.save(
    createManifest({
      ...manifest,
      checkpointId: nextId,
      stateChecksum: null,
      sourceOffsets: { flights: { ...flights, offsets: { "0": change.offset ?? flights.offsets["0"]! } } },
      sinkCommitStatuses: { windows: { status: change.pending ? "pending" : "committed" } },
    }),
    { operators },
  )
}
