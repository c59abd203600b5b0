import { execFileSync } from "node:child_process"
import { lstat, readdir } from "node:fs/promises"
import { join } from "node:path"
import type { CommitBatch, ObjectContent, ObjectMeta } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { expect } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { temporaryFolder } from "../folder.js"

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const body = (text: string): Uint8Array[] => [bytes(text)]

export async function* stream(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? bytes(chunk) : chunk
}

export async function read(content: ObjectContent | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content?.body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function textAt(backend: FsBackend, key: string): Promise<string | undefined> {
  const content = await backend.get(key)
  return content === undefined ? undefined : (await read(content)).toString()
}

export async function listed(backend: FsBackend, prefix = ""): Promise<ObjectMeta[]> {
  const all: ObjectMeta[] = []
  for await (const meta of backend.list(prefix)) all.push(meta)
  return all.sort((a, b) => (a.key < b.key ? -1 : 1))
}

export async function keys(backend: FsBackend, prefix = ""): Promise<string[]> {
  return (await listed(backend, prefix)).map(({ key }) => key)
}

export async function rejection(promise: Promise<unknown>): Promise<BackendError> {
  const error = await promise.then(
    () => expect.fail("it should have rejected"),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BackendError)
  return error as BackendError
}

/** Of calls that run at once. */
export function rejections(promises: Promise<unknown>[]): Promise<BackendError[]> {
  return Promise.all(promises.map(rejection))
}

/** Every path below the folder, with a "/" after directories. */
export async function tree(path: string, above = ""): Promise<string[]> {
  const found: string[] = []
  for (const name of (await readdir(path)).sort()) {
    const inside = (await lstat(join(path, name))).isDirectory()
    found.push(above + name + (inside ? "/" : ""))
    if (inside) found.push(...(await tree(join(path, name), `${above}${name}/`)))
  }
  return found
}

/** A folder with checkpoint 1 and the object `a/b`. */
export async function preparedRoot(): Promise<string> {
  const root = await temporaryFolder()
  const backend = new FsBackend(root)
  await backend.commit(checkpoint(1))
  await backend.put("a/b", body("old"))
  return root
}

/** A named pipe. */
export const fifo = (path: string): Buffer => execFileSync("mkfifo", [path])

/** A device. Number 0 needs no privilege on Linux. */
export const device = (path: string): Buffer => execFileSync("mknod", [path, "c", "0", "0"])

/** The part of a temporary name that differs from one to the next, with the process that made it. */
export const randomPart = /-[0-9a-f]{16}(?:_\d+_\d+_[0-9a-f]{16})?/

export const isTemporary = (name: string): boolean => /\.(tmp|stage|latest)-/.test(name)

export const folderOf = (id: number): string => `checkpoint_${String(id).padStart(6, "0")}`
export const manifestOf = (id: number): string => `checkpoints/${folderOf(id)}/manifest.json`
export const stateOf = (id: number): string => `checkpoints/${folderOf(id)}/state.bin`
export const pointerKey = "checkpoints/latest.txt"

/** A checkpoint as core commits it: state, manifest, and a pointer that never moves back. */
export function checkpoint(
  id: number,
  { state = `state ${id}`, manifest = `manifest ${id}` }: { state?: string | null; manifest?: string } = {},
): CommitBatch {
  return {
    create: [
      ...(state === null ? [] : [{ key: stateOf(id), body: () => stream(state) }]),
      { key: manifestOf(id), body: body(manifest) },
    ],
    pointer: {
      key: pointerKey,
      decide: (current) => (idIn(current?.bytes) < id ? bytes(folderOf(id)) : undefined),
    },
  }
}

export function idIn(pointer: Uint8Array | undefined): number {
  return Number(/^checkpoint_(\d+)$/.exec(pointer === undefined ? "" : Buffer.from(pointer).toString())?.[1] ?? 0)
}

interface Registry {
  roots: Map<string, unknown>
  doubtful: Map<string, unknown>
  unsynced: Map<string, unknown>
  changing: Map<string, unknown>
  failed: Map<string, unknown>
}

/** What a new process would know: nothing of locks held and syncs failed in this one. */
export function forgetProcess(): void {
  const registry = (globalThis as Record<symbol, Registry | undefined>)[Symbol.for("@ckpt/fs.roots.v1")]
  registry?.roots.clear()
  registry?.doubtful.clear()
  registry?.unsynced.clear()
  registry?.changing.clear()
  registry?.failed.clear()
}

/** For what a container may refuse: skipped with the reason, but never in CI. */
export function skipUnlessCi(context: { skip(note: string): never }, reason: string): never {
  if (process.env["CI"] === "true") throw new Error(`in CI this must run: ${reason}`)
  process.stdout.write(`skipped: ${reason}\n`)
  return context.skip(reason)
}
