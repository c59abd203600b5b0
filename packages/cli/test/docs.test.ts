import { execFile } from "node:child_process"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, test } from "vitest"
import { ckpt, objects, shell } from "./ckpt.js"
import { damage, opened, seed } from "./seed.js"
import { fileStorage, flagsOf, folder } from "./storages.js"

const packageFolder = fileURLToPath(new URL("..", import.meta.url))
const page = await readFile(join(packageFolder, "../../docs/cli-json.md"), "utf8")
const readme = await readFile(join(packageFolder, "README.md"), "utf8")

/** The fields that the page has for a type. */
function documented(type: string): string[] {
  const sections = page.split(/^## /m).slice(1)
  const section = sections.find((text) => text.split("\n", 1)[0]?.includes(`\`${type}\``)) ?? ""
  return [...section.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, names = ""]) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  )
}

describe("docs/cli-json.md", () => {
  test("has every field of every answer", async () => {
    const place = await fileStorage.newPlace()
    await seed(place)
    const dir = await folder()
    const answers = [
      ["ls", place.url],
      ["show", place.url, "latest"],
      ["cat", place.url, "latest", "--operator", "counts"],
      ["diff", place.url, "2", "latest"],
      ["verify", place.url, "--all", "--deep"],
      ["recover", place.url, "--to", join(dir, "out")],
      ["watch", place.url, "--every", "20ms", "--count", "1"],
      ["doctor", place.url],
      ["prune", place.url, "last=4"],
      ["rm", place.url, "1"],
      ["gc", place.url],
      ["pin", place.url, "3", "x"],
      ["unpin", place.url, "x"],
      ["export", place.url, "3", join(dir, "x.tar")],
      ["import", join(dir, "x.tar"), `file:${join(dir, "imported")}`],
      ["copy", place.url, `file:${join(dir, "copied")}`],
      ["prune", place.url, "last=4", "--yes"],
      ["rm", place.url, "3", "--yes"],
      ["gc", place.url, "--yes"],
    ]
    await using writer = await opened(place)
    const seen = new Set<string>()
    const assertKnown = (outcome: { readonly stdout: string }) => {
      for (const { v, type, ...fields } of objects(outcome)) {
        expect(v).toBe(1)
        seen.add(String(type))
        const known = documented(String(type))
        expect(
          Object.keys(fields).filter((name) => !known.includes(name)),
          `fields of ${type} that are not in docs/cli-json.md`,
        ).toEqual([])
      }
    }
    for (const args of answers) {
      const onOutput =
        args[0] === "watch" ? (text: string) => text.includes('"latest"') && void writer.store.saveNext() : undefined
      const outcome = await ckpt([...args, "--json"], onOutput === undefined ? {} : { onOutput })
      expect(outcome, args.join(" ")).toMatchObject({ code: 0 })
      assertKnown(outcome)
    }
    const stop = new AbortController()
    const ended = { signal: stop.signal, onOutput: () => stop.abort(new Error("seen")) }
    assertKnown(await ckpt(["serve", place.url, "--port", "0", "--json"], ended))
    const rotten = await fileStorage.newPlace()
    await seed(rotten)
    await damage(rotten, 5)
    assertKnown(await ckpt(["copy", rotten.url, `file:${join(dir, "partial")}`, "--json"]))
    const failed = await ckpt(["show", place.url, "99", "--json"])
    const [error] = objects({ stdout: failed.stderr })
    expect(Object.keys(error ?? {})).toEqual(["v", "type", ...documented("error")])

    // Nothing stands there that no command answers with, and no command has an answer that was not tried here.
    const onPage = [...page.matchAll(/^## (.*)$/gm)].flatMap(([, title = ""]) =>
      [...title.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    )
    expect([...seen, "error"].sort()).toEqual(onPage.sort())
    const commands = join(packageFolder, "src/commands")
    const sources = await Promise.all((await readdir(commands)).map((name) => readFile(join(commands, name), "utf8")))
    const inSource = sources.flatMap((text) => [...text.matchAll(/terminal\.json\("([^"]+)"/g)].map(([, name]) => name))
    expect([...new Set(inSource)].sort()).toEqual([...seen].sort())
  })

  test("names every question of the doctor", async () => {
    const place = await fileStorage.newPlace()
    await seed(place, 1)
    const [, questions = ""] = /^\| `check` \| (.*) \|$/m.exec(page) ?? []
    const named = [...questions.matchAll(/`([^`]+)`/g)].map(([, name]) => name).filter((name) => name !== "--read-only")
    const asked = [
      ...objects(await ckpt(["doctor", place.url, "--json", ...flagsOf(place)])),
      ...objects(await ckpt(["doctor", place.url, "--json", "--read-only"])),
    ].map(({ check }) => check)
    expect([...new Set(asked)].sort()).toEqual(named.sort())
  })
})

test("the commands of the README run, one after the other", async () => {
  const dir = await folder()
  await seed({ url: `file:${join(dir, "data")}`, flags: {} })
  const [, block = ""] = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = ""]) => text)
  // It would not end. The tests of the page serve one.
  const lines = block
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("ckpt serve "))
  expect(lines).toHaveLength(10)
  for (const line of lines) {
    const { code, stderr } = await shell(`cd ${dir} && ${line}`)
    expect({ line, code, stderr: code === 0 ? "" : stderr }).toEqual({ line, code: 0, stderr: "" })
  }
  const names = await promisify(execFile)("tar", ["-tf", join(dir, "incident.tar")])
  expect(names.stdout).toContain("checkpoints/checkpoint_000005/state.bin")
})
