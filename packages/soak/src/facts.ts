/** A checkpoint as a process saw it: the id, and the name of the save that wrote it. */
interface Found {
  readonly id: number
  readonly name: string
  readonly by: string
}

/**
 * What processes said: the log outside of them, which decides. Their lines come through pipes of their own, so a line that was said first
 * may be heard last. Hence "tries", "asks", "claimed" and "acknowledged" carry the time (ms of the machine's monotonic clock), and what
 * needs all lines is judged at the end.
 */
export class Facts {
  readonly violations: string[] = []
  /** Code → how often a call failed with it. */
  readonly failures = new Map<string, number>()
  /** Id → the name of the save that was acknowledged under it. */
  readonly acknowledged = new Map<number, string>()
  recoveries = 0
  /** Memory in MiB and open handles of the process that only reads, as time went on. */
  readonly uses: { readonly mebibytes: number; readonly handles: number }[] = []
  /** The name of each save, with when it began, and the epoch of the writer that leads. */
  readonly #tried = new Map<string, { readonly at: number; readonly epoch: number | undefined }>()
  /** Each claim that was given. */
  readonly #claims: { readonly who: string; readonly epoch: number; readonly at: number }[] = []
  /** Each id and name that was found, once. */
  readonly #found = new Map<string, Found>()
  /** Process → when it asked. */
  readonly #asked = new Map<string, number>()
  /** Each acknowledgement of an id above all that were heard before, ascending, and its time. */
  readonly #raises: { readonly id: number; readonly at: number }[] = []

  get highest(): number {
    return this.#raises.at(-1)?.id ?? 0
  }

  /** Takes one line of a process. */
  hear(who: string, line: string): void {
    const [what, first = "", second = "", third = ""] = line.split(" ")
    if (what === "tries") this.#tried.set(first, { at: Number(second), epoch: this.#epochOf(who) })
    else if (what === "claimed") this.#claims.push({ who, epoch: Number(first), at: Number(second) })
    else if (what === "acknowledged") this.#acknowledge(who, Number(first), second, Number(third))
    else if (what === "asks") this.#asked.set(who, Number(first))
    else if (what === "recovered") this.#recovered(who, Number(first), second)
    else if (what === "uses") this.uses.push({ mebibytes: Number(first), handles: Number(second) })
    else if (what === "failed") this.failures.set(first, (this.failures.get(first) ?? 0) + 1)
    else this.violations.push(`${who} said what it should not: ${line}`)
  }

  /** A process says its own lines in order. */
  #epochOf(who: string): number | undefined {
    return this.#claims.findLast((claim) => claim.who === who)?.epoch
  }

  #acknowledge(who: string, id: number, name: string, at: number): void {
    const before = this.acknowledged.get(id)
    if (before !== undefined && before !== name) {
      this.violations.push(`${id} was acknowledged to ${who} as ${name}, and before as ${before}`)
    }
    this.acknowledged.set(id, name)
    if (id > this.highest) this.#raises.push({ id, at })
  }

  #recovered(who: string, id: number, name: string): void {
    this.recoveries++
    const asked = this.#asked.get(who) ?? 0
    const least = this.#raises.findLast(({ at }) => at < asked)?.id ?? 0
    if (id < least)
      this.violations.push(`${who} recovered ${id} (${name}), and ${least} was acknowledged before it asked`)
    this.found(id, name, who)
  }

  /** What was found under an id, wherever that was. */
  found(id: number, name: string, by: string): void {
    if (id !== 0) this.#found.set(`${id} ${name}`, { id, name, by })
  }

  /** Once the last line of each process was heard, and all was looked at. */
  judge(): void {
    for (const [id, name] of this.acknowledged) this.#judgeLead(id, name)
    const names = new Map<number, Found>()
    for (const found of this.#found.values()) {
      const { id, name, by } = found
      if (!this.#tried.has(name)) this.violations.push(`${by} found ${id} with ${name}, which nobody saved`)
      const acknowledged = this.acknowledged.get(id)
      if (acknowledged !== undefined && acknowledged !== name) {
        this.violations.push(`${by} found ${id} with ${name}, and ${acknowledged} was acknowledged under it`)
      }
      const other = names.get(id)
      if (other !== undefined)
        this.violations.push(`${by} found ${id} with ${name}, and ${other.by} found it with ${other.name}`)
      names.set(id, found)
    }
    if (this.acknowledged.size === 0 || this.recoveries === 0) {
      const done = `${this.acknowledged.size} saves were acknowledged, and ${this.recoveries} recoveries ended`
      this.violations.push(`${done}: that shows nothing, so give it more seconds`)
    }
  }

  /** A save that begins after a newer claim was given is refused. */
  #judgeLead(id: number, name: string): void {
    const { at, epoch } = this.#tried.get(name) ?? {}
    if (at === undefined || epoch === undefined) return
    const newer = this.#claims.find((claim) => claim.epoch > epoch && claim.at < at)
    if (newer === undefined) return
    const lead = `${newer.who} led with epoch ${newer.epoch}`
    this.violations.push(`${id} was acknowledged to epoch ${epoch} as ${name}, which began after ${lead}`)
  }
}
