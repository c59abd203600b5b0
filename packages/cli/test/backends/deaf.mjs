// A third party's backend that ignores its signal, and never answers; something of it stays open, as a socket would.
import { MemoryBackend } from "@ckpt/memory"

export default () => {
  setInterval(() => {}, 1000)
  const never = () => new Promise(() => {})
  const backend = new MemoryBackend()
  async function* list() {
    console.error("the backend was asked")
    yield await never()
  }
  return Object.assign(backend, { list, get: never, head: never, now: never, [Symbol.asyncDispose]: never })
}
