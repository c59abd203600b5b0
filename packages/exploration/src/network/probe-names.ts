import { isProbe } from "../storage/keys.js"

const probe = /^(.*\.ckpt-probe-)([0-9a-f]{16})$/

/** Numbers in place of the random names of probes, so that nothing but the choices decides a schedule. */
export class ProbeNames {
  readonly #names = new Map<string, string>()

  /** The key in the storage: a probe gets a number for its name, every other key stays. */
  named(key: string): string {
    if (!isProbe(key)) return key
    const match = probe.exec(key)
    if (match === null) return key
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = `${match[1]}${String(this.#names.size + 1).padStart(4, "0")}`
    this.#names.set(key, name)
    return name
  }
}
