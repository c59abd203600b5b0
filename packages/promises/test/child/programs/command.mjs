// Checks of promises of the command.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import * as node from "node:fs/promises"
import { join } from "node:path"
import { ckpt, commandOf, damage, inFolder, opened, state, stores } from "./support.mjs"

/** @typedef {import("./support.mjs").Variants} Variants */

/** @type {Record<string, (variants: Variants) => Promise<void>>} */
export const commandPrograms = {
  "ckpt prune, rm and gc remove nothing without --yes": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      const orphan = join(root, "checkpoints", "checkpoint_000002", "manifest.json")
      await ckpt(variants, "prune", `file:${root}`, "last=1")
      await ckpt(variants, "rm", `file:${root}`, "1")
      assert.deepEqual(await store.ids(), [1, 2, 3])
      await node.rm(orphan)
      await ckpt(variants, "gc", `file:${root}`, "--older-than", "0s")
      assert.ok(existsSync(join(root, "checkpoints", "checkpoint_000002", "state.bin")), "the orphan was removed")
    }),

  "ckpt show spells out what a terminal would obey": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({ labels: { job: "\u001b[2Jgone\u202e" } })
      const { stdout } = await ckpt(variants, "show", `file:${root}`, "1")
      assert.match(stdout, /\\x1b\[2Jgone\\u202e/)
      assert.ok(!stdout.includes("\u001b"), "an escape came through")
    }),

  "ckpt prune keeps the last checkpoint whose bytes verify": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await damage(root, 2)
      await ckpt(variants, "prune", `file:${root}`, "last=1", "--yes")
      assert.equal((await store.recover()).outcome, "recovered")
    }),

  "ckpt changes a claimed store with --claim alone, and claims no other": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      assert.equal((await ckpt(variants, "prune", `file:${root}`, "last=2", "--yes", "--claim")).code, 1)
      assert.deepEqual(await store.ids(), [1, 2, 3])
      const leader = await store.claim()
      stores.push(leader)
      const refused = await ckpt(variants, "prune", `file:${root}`, "last=1", "--yes")
      assert.match(refused.stderr, /--claim/)
      assert.deepEqual(await leader.ids(), [1, 2, 3])
    }),

  "ckpt export that is killed leaves nothing under the name of its file": (variants) =>
    inFolder(async (root) => {
      const store = await opened(join(root, "store"))
      const bytes = 64 << 20
      await store.saveNext({}, { state: [Buffer.alloc(bytes)] })
      const tar = join(root, "checkpoint.tar")
      const { file, args } = commandOf(variants, "export", `file:${root}/store`, "1", tar)
      // On a busy machine it may be done before it is killed: that shows nothing.
      for (let attempt = 0; attempt < 10; attempt++) {
        const exporting = spawn(file, args, { stdio: "ignore" })
        const ended = new Promise((resolve) => exporting.once("exit", resolve))
        while (readdirSync(root).length === 1 && exporting.exitCode === null) await new Promise(setImmediate)
        exporting.kill("SIGKILL")
        await ended
        const size = existsSync(tar) ? (await node.stat(tar)).size : undefined
        assert.ok(size === undefined || size > bytes, `a tar of ${size} bytes has the name`)
        if (size === undefined && readdirSync(root).length > 1) return
        for (const name of readdirSync(root)) if (name !== "store") await node.rm(join(root, name))
      }
      assert.fail("it was never killed in the middle")
    }),

  "ckpt cat of a state with a flipped bit fails, and does not end it": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: state() })
      assert.equal((await ckpt(variants, "cat", `file:${root}`, "1")).stdout, "a state")
      await damage(root, 1)
      const { code, stdout } = await ckpt(variants, "cat", `file:${root}`, "1")
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" })
    }),

  "ckpt ls and rm write answers to stdout, and notes to stderr": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: state() })
      const listed = await ckpt(variants, "ls", `file:${root}`, "--json")
      for (const line of listed.stdout.trim().split("\n")) JSON.parse(line)
      await store.saveNext()
      const shown = await ckpt(variants, "rm", `file:${root}`, "1")
      assert.match(shown.stderr, /--yes acts/)
      assert.doesNotMatch(shown.stdout, /--yes acts/)
    }),

  "ckpt says by its exit code what happened": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: state() })
      const codes = []
      for (const args of [["verify", `file:${root}`, "latest"], ["show", `file:${root}`, "7"], ["show"]]) {
        codes.push((await ckpt(variants, ...args)).code)
      }
      assert.deepEqual(codes, [0, 1, 2])
    }),

  "ckpt --json writes objects, one a line, each with v and type, and an error to stderr": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({ labels: { job: "a\u0085b" } }, { state: state() })
      const url = `file:${root}`
      const shapes = []
      for (const args of [
        ["ls"],
        ["show", "1"],
        ["diff", "1", "2"],
        ["verify", "--all"],
        ["recover"],
        ["prune", "last=1"],
      ]) {
        const { stdout } = await ckpt(variants, ...args.slice(0, 1), url, ...args.slice(1), "--json")
        assert.doesNotMatch(stdout, /\u0085/)
        for (const line of stdout.trim().split("\n")) shapes.push(JSON.parse(line))
      }
      assert.deepEqual(
        shapes.filter(({ v, type }) => v !== 1 || typeof type !== "string"),
        [],
      )
      assert.ok(shapes.length > 7)
      const { code, stdout, stderr } = await ckpt(variants, "show", url, "7", "--json")
      assert.match(stderr, /^\{.*\}\n$/)
      const error = JSON.parse(stderr)
      assert.deepEqual([stdout, error.type, error.code, error.exitCode], ["", "error", "CKPT_NOT_FOUND", code])
    }),

  "ckpt recover is 0 where a job would go on, and 1 where nothing verifies": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      const codes = [(await ckpt(variants, "recover", `file:${root}`)).code]
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await damage(root, 2)
      codes.push((await ckpt(variants, "recover", `file:${root}`)).code)
      await damage(root, 1)
      codes.push((await ckpt(variants, "recover", `file:${root}`)).code)
      assert.deepEqual(codes, [0, 0, 1])
    }),

  "ckpt ends by SIGINT with 130, by SIGTERM with 143, and with 0 where its reader goes away": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: [Buffer.alloc(8 << 20)] })
      const ended = []
      for (const end of ["SIGINT", "SIGTERM", undefined]) {
        const { file, args } = commandOf(variants, "cat", `file:${root}`, "1")
        const cat = spawn(file, args, { stdio: ["ignore", "pipe", "ignore"] })
        const ending = new Promise((resolve) => cat.once("exit", resolve))
        // More than a pipe and Node's own buffer hold is on its way, and nobody reads it.
        await new Promise((resolve) => cat.stdout.once("readable", resolve))
        if (end === undefined) cat.stdout.destroy()
        else cat.kill(/** @type {NodeJS.Signals} */ (end))
        ended.push(await ending)
      }
      assert.deepEqual(ended, [130, 143, 0])
    }),
}
