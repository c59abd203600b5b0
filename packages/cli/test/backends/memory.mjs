// A third party's backend, as --backend takes it: every URL is a storage of its own, in the memory of the process.
import { MemoryBackend } from "@ckpt/memory"

globalThis.memoryBackends ??= new Map()

export default (url) => {
  const backends = globalThis.memoryBackends
  if (!backends.has(url)) backends.set(url, new MemoryBackend())
  return backends.get(url)
}
