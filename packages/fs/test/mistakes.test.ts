import { access, mkdir } from "node:fs/promises"
import { pathToFileURL } from "node:url"
import { expect, test } from "vitest"
import { nodeFiles } from "../src/files/file-api.js"
import { createManifest, type FileApi, FsBackend, openFsStore } from "../src/index.js"
import { temporaryFolder } from "./folder.js"

/** Given to `openFsStore` where a test must not get to a folder. */
const nowhere = "/nonexistent/ckpt"

const mistakes: readonly [argument: string, args: readonly unknown[], ...words: string[]][] = [
  ["openFsStore()", [], "the root is missing", "the path of a folder"],
  ["an empty root", [""], 'the root is the string ""'],
  ["a number", [7], "the root is the number 7"],
  ["null", [null], "the root is null"],
  ["options in place of the root", [{ root: nowhere }], "a plain object"],
  ["a promise of a root", [Promise.resolve(nowhere)], "a Promise"],
  ["a zero byte", ["a\0b"], "the root is"],
  ["a file: URL as text", ["file:///tmp/x"], "file:///tmp/x", "new URL()"],
  ["an s3: URL", ["s3://jobs/a"], "no path"],
  ["a URL that is no file", [new URL("https://example.com/a")], "https://example.com/a", "a file: URL"],
  ["readonly", [nowhere, { readonly: true }], "openFsStore: there is no option readonly", "mean readOnly?"],
  ["retian", [nowhere, { retian: { last: 1 } }], "mean retain?"],
  ["prefx", [nowhere, { prefx: "a" }], "mean prefix?"],
  ["mustexist", [nowhere, { mustexist: true }], "mean mustExist?"],
  ["mustExist: 'yes'", [nowhere, { mustExist: "yes" }], 'mustExist is the string "yes"', "true or false"],
  ["directorySync: 0", [nowhere, { directorySync: 0 }], "directorySync is the number 0"],
  ["secondWriter: 'ignore'", [nowhere, { secondWriter: "ignore" }], 'the string "ignore"', '"warn" or "refuse"'],
  ["claim: 'yes'", [nowhere, { claim: "yes" }], 'claim is the string "yes"', "true or false"],
  ["silentAfter", [nowhere, { silentAfter: 1_000 }], "mean silentAfterMs?"],
  ["silentAfterMs: 1", [nowhere, { silentAfterMs: 1 }], "silentAfterMs is the number 1", "from 50"],
  ["files: 'fs'", [nowhere, { files: "fs" }], 'files is the string "fs"'],
  ["backend", [nowhere, { backend: {} }], "no option backend"],
  ["retain: { last: 3, evry: 2 }", [nowhere, { retain: { last: 3, evry: 2 } }], "mean retain.every?"],
  ["retry: { retries: 3 }", [nowhere, { retry: { retries: 3 } }], "retry.retries", "attempts"],
  ["onEvent: true", [nowhere, { onEvent: true }], "onEvent is true"],
  ["null in place of options", [nowhere, null], "the options are null"],
  ["text in place of options", [nowhere, "readOnly"], 'the string "readOnly"'],
]

test.each(mistakes)("openFsStore: %s is CKPT_INVALID", async (_, args, ...words) => {
  const error: unknown = await openFsStore(...(args as [string])).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: "CheckpointError", code: "CKPT_INVALID" })
  for (const word of words) expect((error as Error).message).toContain(word)
  await expect(access("/nonexistent")).rejects.toThrow("ENOENT")
})

test("FsBackend refuses the same", () => {
  const invalid = (word: string) =>
    expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringContaining(word) })
  expect(() => new FsBackend(7 as never)).toThrow(invalid("the number 7"))
  expect(() => new FsBackend(nowhere, { readonly: true } as never)).toThrow(invalid("mean readOnly?"))
  expect(() => new FsBackend(nowhere, { silentAfterMs: "1s" } as never)).toThrow(invalid('the string "1s"'))
})

test("the root may be a file: URL", async () => {
  const root = `${await temporaryFolder()}/with space`
  await using store = await openFsStore(pathToFileURL(root))
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }))
  await using same = await openFsStore(root)
  expect(await same.ids()).toEqual([1])
})

test("EACCES is CKPT_DENIED, and speaks of the folder, not of credentials; a full disk is CKPT_FULL", async () => {
  const root = await temporaryFolder()
  await mkdir(`${root}/checkpoints`)
  for (const [errno, code] of [
    ["EACCES", "CKPT_DENIED"],
    ["EROFS", "CKPT_DENIED"],
    ["ENOSPC", "CKPT_FULL"],
    ["EDQUOT", "CKPT_FULL"],
  ] as const) {
    const refuse = () => Promise.reject(Object.assign(new Error(`${errno}: refused`), { code: errno, syscall: "open" }))
    const files = { ...nodeFiles, open: refuse } as FileApi
    await using store = await openFsStore(root, { files, retry: { attempts: 1 } })
    const error = await store.save(createManifest({ checkpointId: 1, epoch: 1 })).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, retryable: false, message: expect.stringContaining(errno) })
    expect((error as Error).message).not.toMatch(/credentials/)
  }
})
