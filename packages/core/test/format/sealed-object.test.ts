import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { headBytes, seal, tokenBytes, unseal } from "../../src/format/sealed-object.js"

const token = Uint8Array.from({ length: tokenBytes }, (_, index) => index)
const text = (value: string) => new TextEncoder().encode(value)
const sealed = (key: string, content: string) => seal(key, text(content), token, undefined)
const damageOf = async (key: string, bytes: Uint8Array) => (await unseal(key, bytes, undefined)).damage

describe("a sealed object", () => {
  test("has the bytes that docs/objects.md describes", async () => {
    const stored = Buffer.from(await sealed("threads/é", "hello"))
    expect(stored.subarray(0, 8).toString("latin1")).toBe("CKPTOBJ\u0001")
    expect(stored.subarray(8, 16).toString("hex")).toBe("0000000000000005")
    expect(stored.subarray(16, 32)).toEqual(Buffer.from(token))
    const key = Buffer.from("threads/é")
    const hash = createHash("sha256")
      .update(stored.subarray(0, 32))
      .update(Buffer.from([0, 0, 0, key.length]))
    expect(stored.subarray(32, 64)).toEqual(hash.update(key).update("hello").digest())
    expect(stored.subarray(64).toString()).toBe("hello")
  })

  test("gives back content and token, of any length and from anywhere in a buffer", async () => {
    const lengths = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(1024 * 1024 - 1, 1024 * 1024, 3_000_000))
    await fc.assert(
      fc.asyncProperty(fc.string(), lengths, fc.nat({ max: 9 }), async (key, length, offset) => {
        const content = new Uint8Array(length).fill(7)
        const stored = await seal(key, content, token, undefined)
        const shifted = new Uint8Array(offset + stored.length + 3)
        shifted.set(stored, offset)
        const found = await unseal(key, shifted.subarray(offset, offset + stored.length), undefined)
        if (found.damage !== undefined) throw new Error(found.damage)
        expect(Buffer.compare(found.content, content)).toBe(0)
        expect(Buffer.compare(found.token, token)).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test("does not verify with any bit flipped, with any byte missing, or with more bytes", async () => {
    const stored = await sealed("k", "some content")
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const flipped = new Uint8Array(stored)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await damageOf("k", flipped)).toBeTypeOf("string")
    }
    for (let length = 0; length < stored.length; length++)
      expect(await damageOf("k", stored.subarray(0, length))).toBeTypeOf("string")
    expect(await damageOf("k", Buffer.concat([stored, Buffer.of(0)]))).toMatch(/13 bytes of 12/)
    expect(await damageOf("k", new Uint8Array(headBytes))).toMatch(/does not begin/)
  })

  test("does not verify under another key, however keys and contents are cut", async () => {
    expect(await damageOf("b", await sealed("a", "x"))).toMatch(/another key/)
    const moved = Buffer.from(await sealed("ab", "c"))
    expect(await damageOf("a", moved)).toMatch(/checksum/)
    expect(await damageOf("abc", moved)).toMatch(/checksum/)
  })

  test("of a later format says so", async () => {
    const stored = Buffer.from(await sealed("k", "x"))
    stored[7] = 2
    expect(await damageOf("k", stored)).toMatch(/format is 2/)
  })

  test("is a copy that is made before anything is awaited", async () => {
    const content = text("before")
    const sealing = seal("k", content, token, undefined)
    content.fill(0)
    const found = await unseal("k", await sealing, undefined)
    expect(found.damage === undefined && Buffer.from(found.content).toString()).toBe("before")
  })
})
