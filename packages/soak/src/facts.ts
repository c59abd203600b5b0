/** What processes said, in the order in which it was heard: the log outside of them, which decides. */
export class Facts {
  readonly violations: string[] = []
  /** Code → how often a call failed with it. */
  readonly failures = new Map<string, number>()
  /** Id → the name of the save that was acknowledged under it. */
  readonly acknowledged = new Map<number, string>()
  recoveries = 0
  /** Memory in MiB and open handles of the process that only reads, as time went on. */
  readonly uses: { readonly mebibytes: number; readonly handles: number }[] = []
  readonly #tried = new Set<string>()
  /** Process → the highest id that was acknowledged when it asked. */
  readonly #asked = new Map<string, number>()
  #highest = 0

  get highest(): number {
    return this.#highest
  }

  /** Takes one line of a process. */
  hear(who: string, line: string): void {
    const [what, first = "", second = ""] = line.split(" ")
    if (what === "tries") this.#tried.add(first)
    else if (what === "acknowledged") this.#acknowledge(who, Number(first), second)
    else if (what === "asks") this.#asked.set(who, this.#highest)
    else if (what === "recovered") this.#recovered(who, Number(first), second)
    else if (what === "uses") this.uses.push({ mebibytes: Number(first), handles: Number(second) })
    else if (what === "failed") this.failures.set(first, (this.failures.get(first) ?? 0) + 1)
    else this.violations.push(`${who} said what it should not: ${line}`)
  }

  #acknowledge(who: string, id: number, name: string): void {
    const before = this.acknowledged.get(id)
    if (before !== undefined && before !== name) {
      this.violations.push(`${id} was acknowledged to ${who} as ${name}, and before as ${before}`)
    }
    this.acknowledged.set(id, name)
    this.#highest = Math.max(this.#highest, id)
  }

  #recovered(who: string, id: number, name: string): void {
    this.recoveries++
    const least = this.#asked.get(who) ?? 0
    if (id < least)
      this.violations.push(`${who} recovered ${id} (${name}), and ${least} was acknowledged before it asked`)
    this.judge(id, name, who)
  }

  /** What was found under an id, wherever that was. */
  judge(id: number, name: string, by: string): void {
    if (id === 0) return
    if (!this.#tried.has(name)) this.violations.push(`${by} found ${id} with ${name}, which nobody saved`)
    const acknowledged = this.acknowledged.get(id)
    if (acknowledged !== undefined && acknowledged !== name) {
      this.violations.push(`${by} found ${id} with ${name}, and ${acknowledged} was acknowledged under it`)
    }
  }
}
