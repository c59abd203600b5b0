// Checks of promises about several processes on one folder.
import assert from "node:assert/strict"
import * as node from "node:fs/promises"
import { join } from "node:path"
import { anotherProcess, failure, inFolder, opened, outcomeOf, state, watched } from "./support.mjs"

/**
 * A plain writer that is stopped at a call of its second save, while another process claims.
 *
 * @param {string} root
 * @param {(name: string, path: string, flags: unknown) => boolean} isThere
 */
async function stoppedAt(root, isThere) {
  let isArmed = false
  let claimer
  const files = watched(
    () => {},
    async (name, path, flags) => {
      if (!isArmed || !isThere(name, path, flags)) return
      isArmed = false
      claimer = await anotherProcess(root, "await store.claim()")
    },
  )
  const store = await opened(root, { files })
  await store.saveNext({}, { state: state() })
  const manifest = await store.nextManifest()
  isArmed = true
  const outcome = await outcomeOf(store.save(manifest, { state: state() }))
  assert.ok(!isArmed, "the save never came there")
  await /** @type {any} */ (claimer)?.kill()
  assert.equal(outcome, "CKPT_FENCED")
  const names = await node.readdir(join(root, "checkpoints"))
  assert.ok(!names.includes("checkpoint_000002"), "it is there all the same")
}

export const claimPrograms = {
  "a save that stood still before its last step while another process claimed is CKPT_FENCED": () =>
    inFolder(async (root) => {
      await stoppedAt(root, (name, path) => name === "rename" && path.includes("/.stage-"))
    }),

  "a save that stood still before its first step while another process claimed is CKPT_FENCED": () =>
    inFolder(async (root) => {
      await stoppedAt(root, (name, path) => name === "mkdir" && path.includes("/.stage-"))
    }),

  "a claim beside a living leader is CKPT_FENCED, and names its process; once it has ended, the claim is given": () =>
    inFolder(async (root) => {
      const other = await anotherProcess(
        root,
        "await (await store.claim()).saveNext()",
        "await new Promise(() => setInterval(() => {}, 1000))",
      )
      const store = await opened(root)
      await assert.rejects(store.claim(), (/** @type {any} */ error) => {
        assert.equal(error.code, "CKPT_FENCED")
        assert.match(error.message, new RegExp(`process ${other.pid} `))
        return true
      })
      await other.kill()
      const leader = await opened(root, { claim: true })
      assert.equal((await leader.saveNext()).id, 2)
    }),

  'with secondWriter: "refuse" a change beside another writer is CKPT_FENCED, and the event second-writer tells of it else':
    () =>
      inFolder(async (root) => {
        const other = await anotherProcess(
          root,
          "await store.saveNext()",
          "await new Promise(() => setInterval(() => {}, 1000))",
        )
        const refusing = await opened(root, { secondWriter: "refuse" })
        await assert.rejects(refusing.saveNext(), { code: "CKPT_FENCED" })
        /** @type {unknown[]} */
        const told = []
        const store = await opened(root, { onEvent: (event) => event.type === "second-writer" && told.push(event.pid) })
        await store.saveNext()
        await other.kill()
        assert.deepEqual(told, [other.pid])
        assert.equal((await refusing.saveNext()).outcome, "created")
      }),

  "a folder that cannot be synced is CKPT_UNSUPPORTED, and directorySync: false accepts it": () =>
    inFolder(async (root) => {
      const files = watched(
        () => {},
        async (name, path) => {
          if (name === "sync" && (await node.lstat(path)).isDirectory()) throw failure("EINVAL")
        },
      )
      const store = await opened(root, { files })
      await assert.rejects(store.saveNext(), { code: "CKPT_UNSUPPORTED" })
      const accepting = await opened(root, { files, directorySync: false })
      assert.equal((await accepting.saveNext()).outcome, "created")
    }),

  "without hard links a claim is CKPT_UNSUPPORTED, and saves, updates and prunes work": () =>
    inFolder(async (root) => {
      const files = watched(
        () => {},
        (name) => {
          if (name === "link") throw failure("EPERM")
        },
      )
      const store = await opened(root, { files, directorySync: false })
      for (let id = 1; id <= 2; id++)
        await store.saveNext({ sinkCommitStatuses: { out: { status: "pending" } } }, { state: state() })
      await store.commitSink(2, "out")
      await store.pin(2, "kept")
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      await assert.rejects(store.claim(), { code: "CKPT_UNSUPPORTED" })
      await assert.rejects(store.writeState(9, state()), { code: "CKPT_UNSUPPORTED" })
    }),
}
