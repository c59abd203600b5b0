import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test, vi } from "vitest"
import { cacheFolder } from "../src/cache-folder.js"
import { cephInstalled, cephRoot, installCeph } from "../src/ceph-install.js"
import { thisHost } from "../src/host.js"
import { descendants, kill, runProgram, stillThere } from "./processes.js"

// Only root on Linux has namespaces and chroot, so only there Ceph can be installed. In CI a skipped test is a failure.
const able = process.platform === "linux" && process.geteuid?.() === 0 && (await thisHost.canIsolate())

async function emptyCache(): Promise<string> {
  const cache = await mkdtemp(join(tmpdir(), "ckpt-cache-"))
  onTestFinished(() => rm(cache, { recursive: true, force: true }))
  return cache
}

test("the cache folder follows XDG_CACHE_HOME", () => {
  vi.stubEnv("XDG_CACHE_HOME", "/somewhere")
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(cacheFolder()).toBe("/somewhere/ckpt-test-servers")
})

// Left out where the parts of Ceph cannot be installed at all: see `able`.
test.skipIf(!able)("an installation that was killed half way is not taken for complete, and is replaced", async () => {
  const cache = await emptyCache()
  const root = cephRoot(cache)
  const half = `mkdir "$1.partial"; touch "$1.partial/half"; sleep 600`
  const installer = runProgram("installer.mjs", cache, half)
  await vi.waitFor(() => expect(existsSync(join(`${root}.partial`, "half"))).toBe(true), { timeout: 30_000 })
  const started = descendants(installer.pid)
  await kill(installer.child)
  await vi.waitFor(() => expect(stillThere(started)).toEqual([]), { timeout: 10_000 })
  expect(cephInstalled(cache)).toBe(false)

  await installCeph({ cache, fill: `mkdir "$1.partial"; echo whole >"$1.partial/file"` })
  expect(cephInstalled(cache)).toBe(true)
  expect(existsSync(join(root, "half"))).toBe(false)
  expect(existsSync(`${root}.partial`)).toBe(false)
})

test.skipIf(!able)("processes that install at once do it once", async () => {
  const cache = await emptyCache()
  // Fails if the folder is there, as it is while another installation works on it.
  const fill = `echo once >>"$1.count"; mkdir "$1.partial"; sleep 0.3; echo whole >"$1.partial/file"`
  const installers = Array.from({ length: 4 }, () => runProgram("installer.mjs", cache, fill))
  expect(await Promise.all(installers.map(({ line }) => line()))).toEqual(installers.map(() => cephRoot(cache)))
  expect(await readFile(`${cephRoot(cache)}.count`, "utf8")).toBe("once\n")
  expect(await readFile(join(cephRoot(cache), "file"), "utf8")).toBe("whole\n")
})

test.skipIf(!able)("what a failed installation printed is in its error, and the next one starts anew", async () => {
  const cache = await emptyCache()
  const failing = installCeph({ cache, fill: `mkdir "$1.partial"; echo no such suite >&2; exit 25` })
  await expect(failing).rejects.toThrow(/25\.\nno such suite/)
  expect(cephInstalled(cache)).toBe(false)
  await installCeph({ cache, fill: `mkdir "$1.partial"` })
  expect(cephInstalled(cache)).toBe(true)
})
