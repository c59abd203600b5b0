export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}

/** All bytes of a body. */
export async function joined(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Bytes that differ for every position and every seed. A lost or misplaced part shows. */
export function pattern(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let index = 0; index < words.length; index++) {
    words[index] = Math.imul(index + seed * 0x9e3779b1, 0x85ebca6b) ^ (index >>> 7)
  }
  return new Uint8Array(words.buffer, 0, size)
}
