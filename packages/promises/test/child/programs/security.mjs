// Checks of what SECURITY.md says.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { constants, existsSync, readdirSync, readFileSync } from "node:fs"
import * as node from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { FsBackend, fromUrl, parseManifest } from "@ckpt/fs"
import { anotherProcess, ckpt, inFolder, opened, state, watched } from "./support.mjs"

/** @typedef {import("./support.mjs").Variants} Variants */

const packages = fileURLToPath(new URL("../../../../", import.meta.url))
const libraries = ["core", "fs", "memory", "s3", "gcs", "azure"]

/** Of Node, what the library may import: nothing of it runs code that was found, or opens a connection. */
const harmless =
  /^node:(?:async_hooks|crypto|diagnostics_channel|events|fs|fs\/promises|module|os|path|stream|timers\/promises|url|util)$/
/** With these the clouds' SDKs are given a connection pool. */
const ofClouds = /^node:https?$/

/** @type {Record<string, (variants: Variants) => Promise<void>>} */
export const securityPrograms = {
  "no flipped bit and no lost field of a manifest passes": () =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({ labels: { job: "a" } }, { state: state() })
      const bytes = await node.readFile(join(root, "checkpoints", "checkpoint_000001", "manifest.json"))
      const passes = (/** @type {Uint8Array} */ damaged) => {
        try {
          parseManifest(damaged)
          return true
        } catch (error) {
          assert.equal(/** @type {{ code?: string }} */ (error).code, "CKPT_CORRUPT")
          return false
        }
      }
      assert.ok(passes(bytes))
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = Buffer.from(bytes)
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.ok(!passes(damaged), `bit ${bit} makes no difference`)
      }
      const lines = bytes.toString().split("\n")
      const last = lines.length - 2
      // Without its checksum: the field before it ends the object.
      const bare = [...lines.slice(0, last - 1), lines[last - 1]?.replace(/,$/, ""), "}"].join("\n")
      assert.ok(!passes(Buffer.from(bare)), "a manifest of ours needs no checksum")
    }),

  "a manifest or a history beyond its limit is not read": () =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await store.pin(1, "kept")
      let read = 0
      const files = watched((name) => name === "read" && read++)
      await node.truncate(join(root, "checkpoints", "checkpoint_000002", "manifest.json"), (64 << 20) + 1)
      const { checkpoint, skipped } = await (await opened(root, { files })).recover()
      assert.equal(checkpoint?.id, 1)
      assert.deepEqual(
        skipped.flatMap(({ issues }) => issues.map(({ code }) => code)),
        ["manifest-too-large"],
      )
      // A mebibyte a call: what is beyond its limit is not even begun.
      assert.ok(read < 20, `${read} reads`)
      await node.truncate(join(root, "checkpoints", "history.json"), (16 << 20) + 1)
      await assert.rejects((await opened(root)).prune({ last: 1 }), { code: "CKPT_CORRUPT", message: /16777217 bytes/ })
    }),

  "a key that leads out of the root, or has a name of this package, is refused": () =>
    inFolder(async (folder) => {
      const backend = new FsBackend(join(folder, "store"))
      const keys = ["../outside", "a/../../outside", "a/\u0001", "a/\n", ".claims/claim-000001.json", ".ckpt-spare"]
      for (const key of [...keys, "a/.tmp-0123456789abcdef"]) {
        await assert.rejects(backend.put(key, [Buffer.from("bytes")]), { kind: "permanent" }, JSON.stringify(key))
      }
      assert.deepEqual(readdirSync(folder), [])
      await backend[Symbol.asyncDispose]()
    }),

  "a link in the place of a state is no state, and it and what it leads to stay": () =>
    inFolder(async (folder) => {
      const root = join(folder, "store")
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      const path = join(root, "checkpoints", "checkpoint_000001", "state.bin")
      const outside = join(folder, "outside")
      await node.rename(path, outside)
      await node.symlink(outside, path)
      const backend = new FsBackend(root)
      await assert.rejects(backend.get("checkpoints/checkpoint_000001/state.bin"), { kind: "damaged" })
      await backend[Symbol.asyncDispose]()
      await store.prune({ last: 1 })
      assert.ok((await node.lstat(path)).isSymbolicLink(), "the link was removed")
      assert.equal(readFileSync(outside, "utf8"), "a state")
    }),

  "a pipe in the place of a state keeps nobody waiting": () =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      const path = join(root, "checkpoints", "checkpoint_000002", "state.bin")
      await node.rm(path)
      execFileSync("mkfifo", [path])
      // Without this flag the call holds a thread of Node until somebody writes to the pipe.
      const files = watched(
        () => {},
        (name, at, flags) => {
          if (name === "open" && at === path) assert.ok(Number(flags) & constants.O_NONBLOCK, "the pipe is waited for")
        },
      )
      const { checkpoint, skipped } = await (await opened(root, { files })).recover()
      assert.deepEqual([checkpoint?.id, skipped.map(({ id }) => id)], [1, [2]])
    }),

  "temporary names are new each time, and are made only if they are absent": () =>
    inFolder(async (root) => {
      /** @type {string[]} */
      const names = []
      const files = watched(
        () => {},
        (name, path, flags) => {
          const [, temporary] = /\/(\.(?:tmp|stage|latest|writer)-[^/]*)$/.exec(path) ?? []
          if (temporary === undefined || (name !== "open" && name !== "mkdir")) return
          if (typeof flags === "string") assert.equal(flags, "wx", path)
          if (name === "mkdir" || flags === "wx") names.push(temporary)
        },
      )
      const store = await opened(root, { files })
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      assert.ok(names.length > 5, `${names.length} names`)
      assert.deepEqual(
        names.filter((name, at) => names.indexOf(name) !== at),
        [],
      )
    }),

  "nothing is written to the console but one warning, where another process writes": () =>
    inFolder(async (root) => {
      /** @type {string[]} */
      const written = []
      const streams = [process.stdout, process.stderr]
      const real = streams.map(({ write }) => write)
      for (const stream of streams) stream.write = (/** @type {unknown} */ text) => written.push(String(text)) > 0
      process.on("warning", (warning) => written.push(`${/** @type {{ code?: string }} */ (warning).code}`))
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      await store.prune({ last: 1 })
      await store.close()
      await new Promise(setImmediate)
      assert.deepEqual(written, [])
      await anotherProcess(root, "await store.saveNext()", "await new Promise(() => setInterval(() => {}, 1000))")
      for (let at = 0; at < 2; at++) {
        const beside = await opened(root)
        await beside.saveNext({}, { state: state() })
      }
      await new Promise(setImmediate)
      for (const [at, stream] of streams.entries()) stream.write = real[at] ?? stream.write
      // Node itself writes the warning.
      assert.deepEqual(
        written.filter((text) => !/CheckpointWarning|--trace-warnings/.test(text)),
        ["CKPT_SECOND_WRITER"],
      )
    }),

  "no message has a credential": (variants) =>
    inFolder(async (folder) => {
      const inUrl = await ckpt(variants, "ls", "s3://AKIDEXAMPLE:hidden-secret@bucket/job")
      assert.equal(inUrl.code, 2)
      assert.match(inUrl.stderr, /credentials do not belong into a URL/)
      const inCode = await fromUrl("file://AKIDEXAMPLE:hidden-secret@host/job").catch(String)
      assert.doesNotMatch(String(inCode), /hidden/)
      const file = join(folder, "credentials.json")
      await node.writeFile(file, `hidden-secret`)
      const garbled = await ckpt(variants, "ls", "s3://bucket/job", "--credentials", file)
      assert.equal(garbled.code, 2)
      for (const { stdout, stderr } of [inUrl, garbled]) assert.doesNotMatch(stdout + stderr, /hidden/)
    }),

  "the library imports nothing that runs what it finds, or asks another address": async (variants) => {
    for (const name of libraries) {
      const folder = variants[name]?.folder ?? join(packages, name, "build")
      for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
        /\.js$/.test(path),
      )) {
        const text = readFileSync(join(folder, file), "utf8")
        for (const [, from = ""] of text.matchAll(/^(?:import|export)\s(?:[^;"=()]*\sfrom\s)?"([^"]+)";$/gm)) {
          const isFine =
            from.startsWith(".") ||
            harmless.test(from) ||
            /^@ckpt\//.test(from) ||
            (ofClouds.test(from) && /^(?:s3|gcs|azure)$/.test(name))
          assert.ok(isFine, `${name}/${file} imports ${from}`)
        }
        assert.doesNotMatch(text, /\beval\(|new Function\(/, `${name}/${file}`)
      }
    }
  },

  "no package has a script that runs when it is installed": async (variants) => {
    for (const name of [...libraries, "cli", "conformance"]) {
      const folder = variants[name] === undefined ? join(packages, name) : join(variants[name].folder, "..")
      const { scripts = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      assert.deepEqual(
        Object.keys(scripts).filter((script) => /^(?:pre|post)?install$|^prepare$/.test(script)),
        [],
        name,
      )
      assert.ok(!existsSync(join(folder, "binding.gyp")), "npm would run node-gyp")
    }
  },
}
