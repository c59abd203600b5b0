import { createHash } from "node:crypto"
import { lstat, mkdir, readdir, readFile, readlink, rename, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { basename, dirname, join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { CheckpointError, createManifest, type LayoutName, openFsStore } from "../../src/index.js"
import { seed } from "../backend/ledger.js"
import { seeded } from "../backend/power-cut.js"
import { bytes, device, fifo, forgetProcess, isTemporary } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"
import { withoutDisk } from "../without-disk.js"

/** What may lie where an object or a folder of a store belongs. `outside` is a folder with files of another program. */
const strangers: Record<string, (path: string, outside: string) => Promise<unknown>> = {
  "a link to a file outside": (path, outside) => symlink(join(outside, "file"), path),
  "a link to a folder outside": (path, outside) => symlink(outside, path),
  "a link to nothing": (path) => symlink("/nowhere/at/all", path),
  "a link to itself": (path) => symlink(basename(path), path),
  "a link upwards": (path) => symlink("..", path),
  "a pipe": async (path) => fifo(path),
  "a socket": listen,
  "a device": async (path) => device(path),
  "a folder": (path) => mkdir(path),
  "a folder with a file": async (path) => {
    await mkdir(path)
    await writeFile(join(path, "notes.txt"), "of somebody")
  },
  "an empty file": (path) => writeFile(path, ""),
  "a file of zeros": (path) => writeFile(path, new Uint8Array(70_000)),
}

/** A socket at any path. The kernel takes 107 bytes, and libuv cuts a longer one short: made under a short name, then moved. */
async function listen(path: string): Promise<void> {
  const server = createServer()
  onTestFinished(() => void server.close())
  const short = join(await temporaryFolder(withoutDisk), "s")
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(short, resolve))
  await rename(short, path)
}

/** Names that nearly are those of a store. */
const odd = [
  ...["checkpoint_7", "checkpoint_0000007", "checkpoint_-00001", "checkpoint_00000a", "checkpoint_9007199254740993"],
  ...[
    "checkpoint_000009",
    "CHECKPOINT_000001",
    "checkpoint_٠٠٠٠٠٣",
    "manifest-000009.json",
    "manifest-7.json",
    "state-000009.bin",
  ],
  ...["latest.txt~", "history.json.bak", ".tmp-", ".tmp-0123456789abcdef", ".stage-0123456789abcdef", " ", "..."],
  ...["a\nb", "%2e%2e", "\u0001", "é", "e\u0301", "\u{1f980}".repeat(50)],
]

/** Everything below a folder: paths, kinds and contents. Never follows a link. */
async function snapshot(folder: string, above = ""): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const info = await lstat(path)
    const key = above + name
    if (info.isDirectory()) for (const [k, v] of await snapshot(path, `${key}/`)) found.set(k, v)
    const content = info.isFile()
      ? createHash("sha256")
          .update(await readFile(path))
          .digest("hex")
      : info.isSymbolicLink()
        ? await readlink(path)
        : ""
    found.set(key, `${info.mode & 0o170_000} ${content}`)
  }
  return found
}

/** A call that is refused has a code. That of a time-out would be a hang: nothing here is slow. */
async function coded(call: Promise<unknown>, where: string): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) return
  expect(error, where).toBeInstanceOf(CheckpointError)
  expect((error as CheckpointError).code, where).not.toBe("CKPT_TIMEOUT")
}

const state = (id: number) => bytes(`state ${id} `.repeat(20))

/** With `CKPT_TREES`, so many. */
const trees = Number(process.env["CKPT_TREES"] ?? 15)

test.each(["directory", "objects"] as const satisfies readonly LayoutName[])(
  "anything in the place of anything, in the layout %s: no wrong value, no fresh start, nothing foreign touched",
  { timeout: trees * 10_000 },
  async (layout) => {
    process.stdout.write(`hostile trees, ${layout}: seed ${seed}\n`)
    const random = seeded(seed)
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
    let inOurPlace = 0
    for (let run = 0; run < trees; run++) {
      forgetProcess()
      const folder = await temporaryFolder(withoutDisk)
      const [root, outside] = [join(folder, "store"), join(folder, "outside")]
      await mkdir(outside)
      await writeFile(join(outside, "file"), "of another program")
      const first = await openFsStore(root, { layout })
      for (const id of [1, 2, 3]) await first.save(createManifest({ checkpointId: id, epoch: 1 }), { state: state(id) })
      await first.pin(1, "kept")
      await first.close()

      const ours = [...(await snapshot(root)).keys()].filter((path) => !path.split("/").some(isTemporary))
      const done: string[] = []
      const foreign = new Map<string, string>()
      for (let n = 0; n <= random() * 3; n++) {
        const what = pick(Object.keys(strangers))
        const isOdd = random() < 0.4
        const place = isOdd ? join(pick(["", "checkpoints", "manifests"]), pick(odd)) : pick(ours)
        const path = join(root, place)
        // The one that was there goes away with all that is in it; a folder above may have gone before.
        const moved = isOdd
          ? true
          : await rename(path, join(folder, `moved-${n}`)).then(
              () => true,
              () => false,
            )
        if (!moved) continue
        const planted = await strangers[what]!(path, outside).then(
          () => true,
          () => false,
        )
        if (!planted) continue
        if (!isOdd) inOurPlace++
        done.push(`${what} at ${JSON.stringify(place)}`)
        foreign.set(place, (await snapshot(dirname(path))).get(basename(path)) ?? "")
      }
      const where = `seed ${seed}, run ${run}: ${done.join(", ")}`
      const outsideBefore = await snapshot(outside)

      const store = await openFsStore(root, { layout, timeoutMs: 30_000, retry: { attempts: 1 } })
      await coded(
        store.recover().then(async ({ outcome, checkpoint }) => {
          // With a new folder in the place of all manifests, a store is as new as it looks.
          const isEmptied = done.some((one) => /^a folder.* at "(?:checkpoints|manifests)"$/.test(one))
          if (!isEmptied) expect(outcome, where).not.toBe("fresh")
          if (checkpoint === undefined) return
          expect(
            Buffer.concat(await arrayOf(await store.readState(checkpoint.id))).equals(state(checkpoint.id)),
            where,
          ).toBe(true)
        }),
        where,
      )
      await coded(store.list().toArray(), where)
      for (const id of [1, 2, 3]) await coded(store.verify(id), where)
      await coded(store.prune({ last: 1 }), where)
      await coded(store.collectOrphans({ olderThanMs: 0 }), where)
      await coded(store.saveNext({ epoch: 1 }, { state: state(9) }), where)
      await coded(store.pin(1, "other"), where)
      await coded(
        store.claim().then((leader) => leader.close()),
        where,
      )
      await store.close()

      expect(await snapshot(outside), where).toEqual(outsideBefore)
      const after = await snapshot(root)
      for (const [place, kind] of foreign) {
        // A plain file or an empty folder in our place is ours by its name, and what has a temporary name may be collected.
        const isOursByName =
          !odd.includes(basename(place)) ||
          isTemporary(place) ||
          /^(?:checkpoint|manifest|state)[-_]\d{6}/.test(basename(place))
        if (isOursByName && (kind.startsWith(`${0o100_000} `) || kind.startsWith(`${0o040_000} `))) continue
        if (!after.has(place) && ![...foreign.keys()].some((other) => place.startsWith(`${other}/`)))
          expect.fail(`${where}: ${place} is gone`)
      }
    }
    expect(inOurPlace).toBeGreaterThan(0)
  },
)

async function arrayOf(state: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of state ?? []) chunks.push(chunk)
  return chunks
}

// Linux takes any bytes as a name. Node gives such a name in a form that no longer finds the file.
test.each(["directory", "objects"] as const satisfies readonly LayoutName[])(
  "a name that is no UTF-8, beside the objects and in a checkpoint's folder, in the layout %s: nothing fails, the file stays",
  async (layout) => {
    forgetProcess()
    const root = join(await temporaryFolder(withoutDisk), "store")
    const store = await openFsStore(root, { layout })
    for (const id of [1, 2, 3]) await store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: state(id) })
    const folders = [
      "",
      ...(await readdir(root, { withFileTypes: true })).filter((e) => e.isDirectory()).map((e) => e.name),
    ]
    if (layout === "directory") folders.push("checkpoints/checkpoint_000001")
    const foreign = folders.map((folder) =>
      Buffer.concat([Buffer.from(join(root, folder, "x")), Buffer.from([0xff, 0xfe])]),
    )
    for (const path of foreign) await writeFile(path, "of somebody")

    expect(await store.recover()).toMatchObject({ outcome: "recovered", checkpoint: { id: 3 } })
    expect((await store.list().toArray()).map(({ id }) => id)).toEqual([1, 2, 3])
    await store.saveNext({ epoch: 1 }, { state: state(4) })
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1, 2, 3] })
    await store.collectOrphans({ olderThanMs: 0 })
    expect((await store.list().toArray()).map(({ id }) => id)).toEqual([4])
    await store.claim().then((leader) => leader.close())
    await store.close()
    for (const path of foreign) expect((await lstat(path)).isFile()).toBe(true)
  },
)
