import { isProbe } from "../storage/keys.js"

const random = /^(.*(?:\.ckpt-probe-|\/now-))([0-9a-f-]{16,36})$/

/** Numbers in place of random names, of probes and of what is stored to ask for the time, so that nothing but the choices decides a schedule. */
export class ProbeNames {
  readonly #names = new Map<string, string>()

  /** The key in the storage: a random name becomes a number, every other key stays. */
  named(key: string): string {
    if (!isProbe(key) && !key.includes("/now-")) return key
    const match = random.exec(key)
    if (match === null) return key
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = `${match[1]}${String(this.#names.size + 1).padStart(4, "0")}`
    this.#names.set(key, name)
    return name
  }
}
