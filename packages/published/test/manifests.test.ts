import { createRequire } from "node:module"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Packed, pack } from "./packed.js"
import { publicPackages } from "./public-packages.js"

let packed: Packed
beforeAll(async () => {
  packed = await pack()
})
afterAll(() => packed.dispose())

describe.each(publicPackages)("$name", ({ name, folder, manifest, entries }) => {
  test("its published manifest has no private dependency, and no script that needs this repository", async () => {
    const published = JSON.parse(await packed.file(name, "package.json"))
    expect(published).not.toHaveProperty("devDependencies")
    expect(published).not.toHaveProperty("scripts")
    const { dependencies = {}, peerDependencies = {}, version } = published
    const ours = publicPackages.map((one) => one.name)
    for (const [dependency, range] of Object.entries(dependencies)) {
      // A command brings what it needs, in the version that it was tested with, and so does the suite of tests. A library brings nothing
      // but our own.
      if (ours.includes(dependency)) expect(range).toBe(`^${version}`)
      else
        expect({ bringsMore: manifest["bin"] !== undefined || name === "@ckpt/conformance", range }).toEqual({
          bringsMore: true,
          range: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        })
    }
    const peers = Object.entries((manifest["peerDependencies"] ?? {}) as Record<string, string>)
    expect(peerDependencies).toEqual(
      Object.fromEntries(peers.map(([peer, range]) => [peer, range === "workspace:^" ? `^${version}` : range])),
    )
  })

  test("its package.json can be asked for, and each entry has its files", async () => {
    const files = await packed.files(name)
    const { exports } = JSON.parse(await packed.file(name, "package.json")) as typeof manifest
    expect(exports["./package.json"]).toBe("./package.json")
    for (const target of Object.values(exports)) {
      for (const path of typeof target === "string" ? [target] : Object.values(target)) {
        expect(files).toContain(path.replace("./", ""))
      }
    }
    for (const path of Object.values((manifest["bin"] ?? {}) as Record<string, string>)) {
      expect(await packed.file(name, path.replace("./", ""))).toMatch(/^#!\/usr\/bin\/env node\n/)
    }
    expect(files).toContain("LICENSE")
    expect(files).toContain("README.md")
    expect(files.filter((file) => !/^(dist|src)\//.test(file)).toSorted()).toEqual([
      "LICENSE",
      "README.md",
      "package.json",
    ])
  })

  test("require() gives what import gives", async () => {
    const require = createRequire(import.meta.url)
    // By its own name, from inside: nobody depends on a package that is a command alone.
    expect(createRequire(join(folder, "package.json"))(`${name}/package.json`)).toMatchObject({ name })
    for (const entry of entries) {
      const required = Object.keys(require(entry.name)).filter((key) => key !== "__esModule")
      expect(required.toSorted()).toEqual(Object.keys(await import(entry.name)).toSorted())
    }
  })
})
