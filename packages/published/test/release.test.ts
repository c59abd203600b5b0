import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { publicPackages, repository } from "./public-packages.js"

const release = (...options: string[]) =>
  promisify(execFile)(process.execPath, ["scripts/release.mjs", ...options], { cwd: repository, maxBuffer: 64 << 20 })

/** What a release writes. */
function tree(): string {
  const hash = createHash("sha256")
  const changesets = readdirSync(join(repository, ".changeset")).map((name) => join(".changeset", name))
  const written = publicPackages.flatMap(({ folder }) =>
    ["package.json", "CHANGELOG.md"].map((name) => join(folder, name)),
  )
  for (const path of [...changesets.map((name) => join(repository, name)), ...written]) {
    hash.update(`${path}\n`).update(existsSync(path) ? readFileSync(path) : "none")
  }
  return hash.digest("hex")
}

test("a dry run shows one version of all packages, their changelogs and tarballs, and changes nothing", async () => {
  const before = tree()
  const { stdout } = await release("--dry-run", "--no-build")
  expect(tree()).toBe(before)
  const parts = stdout.split(/^=== /m).slice(1)
  expect(parts.map((part) => part.split(" ", 1)[0]).toSorted()).toEqual(
    publicPackages.map(({ name }) => name).toSorted(),
  )
  const versions = new Set<string>()
  for (const [index, { name, manifest }] of publicPackages.entries()) {
    const part = parts[index] ?? ""
    const [, now, next = ""] = /^\S+ (\S+) → (\S+)\n/.exec(part) ?? []
    expect(now).toBe(manifest.version)
    versions.add(next)
    expect(part).toContain(`\n${name.slice(1).replace("/", "-")}-${next}.tgz: `)
    for (const file of ["package.json", "README.md", "LICENSE"])
      expect(part).toMatch(new RegExp(`^ *\\d+ {2}${file}$`, "m"))
    const hasChangesets = readdirSync(join(repository, ".changeset")).some((file) => file.endsWith(".md"))
    if (hasChangesets) {
      expect(next).not.toBe(now)
      expect(part).toContain(`\n## ${next}\n`)
    }
    // Nobody had an earlier version, so a first changelog says what the package is, and nothing of faults that were mended.
    if (now === "0.0.0") {
      expect(next).toBe("1.0.0")
      expect(part.match(/^- (?!Updated dependencies)/gm), name).toHaveLength(1)
      // Before the text stands the commit of the changeset, once there is one.
      expect(part).toMatch(/\n### Major Changes\n\n- (?:[0-9a-f]{7,}: )?First release: /)
    }
  }
  expect(versions.size).toBe(1)
})

test("without --yes nothing is released, and what is missing is told", async () => {
  const before = tree()
  const { stderr } = await release().then(
    () => expect.unreachable(),
    (error: { code: number; stderr: string }) => error,
  )
  expect(stderr).toContain("Nothing was released. A release needs:\n  --yes.")
  expect(stderr).toContain("changeset publish")
  expect(tree()).toBe(before)
})
