// The tutorial and the how-tos, followed as a reader does: each block, in its order, in one folder that is empty at first. Programs are
// written to the file that their first line names, commands go to one shell, and it must show what the page says that it shows.
import { readdirSync, readFileSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest"
import { blocksOf, patternOf } from "./guide.js"
import { type Packed, pack } from "./packed.js"
import { environmentOfReaders } from "./project.js"
import { repository } from "./public-packages.js"
import { type Registry, serveRegistry } from "./registry.js"
import { Terminal } from "./terminal.js"

const howTos = readdirSync(join(repository, "docs/how-to")).map((name) => `docs/how-to/${name}`)

let packed: Packed
let registry: Registry
let cache: string
beforeAll(async () => {
  packed = await pack()
  registry = await serveRegistry(packed)
  cache = await mkdtemp(join(tmpdir(), "ckpt-npm-"))
})
afterAll(async () => {
  await registry.close()
  await packed.dispose()
  await rm(cache, { recursive: true, force: true })
})

/** What a reader sees otherwise than the page says: the kill comes after a checkpoint that the reader chooses. */
const varying =
  /^(goes on from checkpoint \d+, after line \d+|ben leads part 0, from order \d+|ben saves checkpoint \d+ of part 0)$/

/** Follows a page. Gives the folder, and what each command has shown. */
async function follow(page: string): Promise<{ folder: string; shown: string[] }> {
  const root = await mkdtemp(join(tmpdir(), "ckpt-guide-"))
  const terminal = new Terminal(root, {
    ...environmentOfReaders(),
    PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
    npm_config_registry: registry.url,
    npm_config_cache: cache,
    npm_config_update_notifier: "false",
  })
  onTestFinished(async () => {
    await terminal.close()
    await rm(root, { recursive: true, force: true })
  })
  const shown: string[] = []
  let folder = root
  const blocks = blocksOf(page)
  for (const [at, { language, text, line }] of blocks.entries()) {
    const where = `${page}:${line}`
    if (language === "js") {
      const [, file] = /^\/\/ (\S+\.mjs)\n/.exec(text) ?? []
      expect(file, `${where} names its file`).toBeDefined()
      await writeFile(join(folder, file ?? ""), text)
    }
    if (language !== "sh") continue
    const commands = text.trimEnd().split("\n")
    terminal.clear()
    for (const command of commands) {
      const code = await terminal.run(command)
      expect(code, `${where}: ${command}: ${terminal.shown()}`).toBe(codeOf(command))
    }
    const next = blocks[at + 1]
    if (next?.language === "text") {
      // What runs in the background shows more, sooner or later: a program that was started, or one that waited for another's end.
      const isOpen = /^kill -9 | & ?\S*$/.test(commands.at(-1) ?? "")
      const pattern = patternOf(next.text, varying, isOpen)
      if (isOpen) await terminal.shows(pattern)
      else expect(terminal.shown(), where).toMatch(pattern)
    }
    shown.push(terminal.shown())
    for (const [, killed] of text.matchAll(/^kill -9 (\S+)$/gm)) {
      expect(await terminal.run(`wait ${killed}`), `${where}: killed`).toBe(sigkill)
    }
    await terminal.run(`pwd > ${join(root, ".folder")}`)
    folder = (await readFile(join(root, ".folder"), "utf8")).trim()
  }
  return { folder, shown }
}

const sigkill = 128 + 9

/** npm installs, and programs take their time, on a machine that may be busy. */
const timeout = 300_000

/** The exit code of a command of a page. */
function codeOf(command: string): number {
  if (command.startsWith("CRASH=")) return sigkill
  // A page that verifies has damaged a checkpoint before.
  return command.startsWith("npx ckpt verify ") ? 1 : 0
}

test("docs/tutorial.md", { timeout }, async () => {
  const { folder, shown } = await follow("docs/tutorial.md")
  const [, goneOnAfter] = /^goes on from checkpoint \d+, after line (\d+)$/m.exec(shown.join("")) ?? []
  expect(Number(goneOnAfter)).toBeGreaterThanOrEqual(1000)
  expect(Number(goneOnAfter)).toBeLessThan(5367)

  const wanted: Record<string, number> = {}
  const [, ...routes] = (await readFile(join(folder, "flights.csv"), "utf8")).trim().split("\n")
  for (const [airport = "", , flights] of routes.map((route) => route.split(","))) {
    wanted[airport] = (wanted[airport] ?? 0) + Number(flights)
  }
  const store = await openFsStore(join(folder, "data"), { readOnly: true })
  const { checkpoint } = await store.recover()
  expect(checkpoint?.manifest.sourceOffsets["flights"]?.offsets["line"]).toBe(String(routes.length + 1))
  expect(await checkpoint?.json("flightsFrom")).toEqual(wanted)
  await store.close()
})

test.each(howTos)("%s", { timeout }, async (page) => {
  const { shown } = await follow(page)
  expect(shown.length).toBeGreaterThan(0)
})

/** Pages that are long on purpose: tables that tests or the bench make, and names that scripts and readers of the format look up. */
const longOnPurpose = /^docs\/(backends|cli-json)\.md$|^docs\/(performance|promises)\//

test("each page is short: a concept and a how-to fit on two screens, others on three", () => {
  const pages = readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .filter((page) => !longOnPurpose.test(page))
  const lines = pages.map(
    (page) => [page, readFileSync(join(repository, page), "utf8").trimEnd().split("\n").length] as const,
  )
  const limit = (page: string) => (/^docs\/(how-to|concepts)\//.test(page) ? 100 : 150)
  expect(lines.filter(([page, count]) => count > limit(page))).toEqual([])
  expect(pages.length).toBeGreaterThan(30)
})
