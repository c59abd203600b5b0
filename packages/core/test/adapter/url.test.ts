import { pathToFileURL } from "node:url"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { folderOfUrl, parseObjectUrl } from "../../src/adapter/index.js"
import { normalizePrefix } from "../../src/format/layout.js"

const s3 = (url: unknown) => parseObjectUrl(url, "s3", ["bucket"])
const az = (url: unknown) => parseObjectUrl(url, "az", ["account", "container"])
const invalid = (text: string) =>
  expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringContaining(text) })

describe("the URL of an object store", () => {
  test.each([
    ["s3://jobs", { bucket: "jobs", prefix: "" }],
    ["s3://jobs/", { bucket: "jobs", prefix: "" }],
    ["s3://jobs/team/a", { bucket: "jobs", prefix: "team/a/" }],
    ["S3://jobs/team/a/", { bucket: "jobs", prefix: "team/a/" }],
    ["s3://jobs/a b/50%/a%20b/a#b/a@b/~/日本", { bucket: "jobs", prefix: "a b/50%/a%20b/a#b/a@b/~/日本/" }],
  ])("%s", (url, parts) => {
    expect(s3(url)).toEqual(parts)
  })

  test.each([
    [undefined, "the URL is undefined; give a text such as file:./data, s3://bucket/prefix"],
    [new URL("s3://jobs/a"), "the URL is a URL; give a text"],
    ["", "the URL of the store is empty"],
    ["jobs/a", "For a folder write file:jobs/a"],
    ["C:\\jobs\\a", "For a folder write file:///C:/jobs/a"],
    [" s3://jobs/a", "no URL of a store"],
    ["s3:", 'lacks "//"; write s3://bucket/prefix'],
    ["s3:jobs/a", 'lacks "//"; write s3://bucket/prefix'],
    ["s3:/jobs/a", 'lacks "//"; write s3://bucket/prefix'],
    ["s3://", '"s3://" has no bucket; write s3://bucket/prefix'],
    ["s3:///a", "has no bucket"],
    ["gs://jobs/a", "gs: is the scheme of @ckpt/gcs; import fromUrl from @ckpt/gcs, or write s3://bucket/prefix"],
    ["file:./a", "import fromUrl from @ckpt/fs"],
    ["https://jobs.s3.amazonaws.com/a", "the scheme https: is unknown; write s3://bucket/prefix"],
    ["s3://jobs//", 'it starts with "/" or has "//"'],
    ["s3://jobs//a", 'it starts with "/" or has "//"'],
    ["s3://jobs/a//", 'it starts with "/" or has "//"'],
    ["s3://jobs/a//b", 'it starts with "/" or has "//"'],
    ["s3://jobs/..", 'it has a ".." segment'],
    ["s3://jobs/a/../b", 'it has a ".." segment'],
    ["s3://jobs/a/%2E%2e/b", "encoded dot segment"],
    ["s3://jobs/a\\b", "a backslash"],
    ["s3://jobs/a\nb", "a control character"],
    [`s3://jobs/${"a".repeat(1000)}`, "longer than 960 bytes"],
  ])("%s is refused", (url, text) => {
    expect(() => s3(url)).toThrow(invalid(text))
  })

  test("what may be a secret is refused, and not repeated", () => {
    const secrets = ["s3://key:hunter2@jobs/a", "s3://hunter2@jobs", "s3://jobs/a?secret=hunter2", "s3://jobs?hunter2"]
    for (const url of secrets) expect(() => s3(url)).toThrow(/^(?!.*hunter2).*(?:as options|options beside it)\.$/)
    expect(() => folderOfUrl("file://me:hunter2@host/a")).toThrow(/^(?!.*hunter2).*credentials/)
  })

  test("each name must be there", () => {
    expect(az("az://a/c/p")).toEqual({ account: "a", container: "c", prefix: "p/" })
    expect(() => az("az:///c")).toThrow(invalid("has no account; write az://account/container/prefix"))
    expect(() => az("az://a")).toThrow(invalid("has no container"))
    expect(() => az("az://a//c")).toThrow(invalid("has no container"))
  })

  test("every prefix that can be used is reached, unless it has a question mark", () => {
    const odd = fc.constantFrom("?", "#", "%", "@", ":", " ", ".", "+", "&", "2e")
    const unit = fc.oneof(odd, fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }))
    const segment = fc.string({ unit, minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 4 }), (segments) => {
        const path = segments.join("/")
        let prefix: string
        try {
          prefix = normalizePrefix(path)
        } catch {
          expect(() => s3(`s3://jobs/${path}`)).toThrow(invalid(""))
          return
        }
        if (path.includes("?")) expect(() => s3(`s3://jobs/${path}`)).toThrow(invalid("takes no query"))
        else expect(s3(`s3://jobs/${path}`)).toEqual({ bucket: "jobs", prefix })
      }),
    )
  })
})

describe("the URL of a folder", () => {
  test.each([
    ["file:./data", "/home/me/data"],
    ["file:data", "/home/me/data"],
    ["FILE:../data/", "/home/data/"],
    ["file:/var/lib/job", "/var/lib/job"],
    ["file:///var/lib/job", "/var/lib/job"],
    ["file:///var/my%20job/50%25%23%3F", "/var/my job/50%#?"],
    ["file:my job", "/home/me/my job"],
  ])("%s", (url, folder) => {
    expect(folderOfUrl(url, "/home/me")).toBe(folder)
  })

  test.each([
    ["file:", "file: has no folder; write file:./data"],
    ["file:./a?b", "%3F for ?"],
    ["file:./a#b", "%23 for #"],
    ["file:./50%2Fa", "no URL of a folder of this machine"],
    ["file:./100%", "%25 for %"],
    ["file://data", "no URL of a folder of this machine"],
    ["./data", "For a folder write file:./data"],
    ["s3://jobs/a", "s3: is the scheme of @ckpt/s3; import fromUrl from @ckpt/s3, or write file:./data"],
    ["memory:", "the scheme memory: is unknown; write file:./data"],
  ])("%s is refused", (url, text) => {
    expect(() => folderOfUrl(url)).toThrow(invalid(text))
  })

  test("every path of a folder is reached by the URL that Node makes of it", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).map((text) => text.replace(/[/\0]/g, "x"))
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const url = pathToFileURL(`/${names.join("/")}`)
        expect(pathToFileURL(folderOfUrl(url.href)).href).toBe(url.href)
      }),
    )
  })
})
