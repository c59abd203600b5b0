import { createManifest, manifestToJson } from "@ckpt/core"
import { manifestKey, pointerKey, stateKey } from "../storage/keys.js"
import type { Self } from "./self.js"

const encode = (fields: unknown) => [new TextEncoder().encode(JSON.stringify(fields))]

/**
 * The reference, as it writes beside us: it knows neither histories nor claims nor tokens. It creates a manifest without our
 * fields, puts a pointer without our fields whatever pointer is there, and deletes old checkpoints by their ids alone.
 */
export class Reference {
  readonly #self: Self
  #last: { readonly id: number; readonly fields: Record<string, unknown> } | undefined

  constructor(self: Self) {
    this.#self = self
  }

  /** Resolves to the words for the trace. Its own failures are of no interest here. */
  async act(what: "reference save" | "reference update" | "reference prune"): Promise<string> {
    this.#self.world.model.tampering.referenceBegins()
    try {
      switch (what) {
        case "reference save":
          return await this.#save()
        case "reference update":
          return await this.#update()
        case "reference prune":
          return await this.#prune()
      }
    } catch (error) {
      return `the reference fails: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  async #save(): Promise<string> {
    const { world, backend, clock } = this.#self
    const id = 1 + Math.max(0, ...(await this.#ids()))
    const manifest = createManifest({ checkpointId: id, epoch: world.count(), timestampMs: Math.max(1, clock.now()) })
    const {
      state_size: _s,
      manifest_checksum: _m,
      ...fields
    } = JSON.parse(manifestToJson(manifest)) as Record<string, unknown>
    await backend.put(manifestKey(id), encode(fields), { when: "absent" })
    this.#last = { id, fields }
    await backend.put(pointerKey, encode({ checkpoint_id: id }))
    return `wrote ${id} with content ${manifest.epoch}`
  }

  async #update(): Promise<string> {
    if (this.#last === undefined) return "nothing"
    const { id, fields } = this.#last
    const changed = { ...fields, sink_commit_statuses: { theirs: "Committed" } }
    await this.#self.backend.put(manifestKey(id), encode(changed))
    return `wrote ${id} once more`
  }

  /** Keeps the two checkpoints with the highest ids. */
  async #prune(): Promise<string> {
    const old = (await this.#ids()).sort((a, b) => b - a).slice(2)
    if (old.length > 0) await this.#self.backend.delete(old.flatMap((id) => [manifestKey(id), stateKey(id)]))
    return `removed ${old.join(" ") || "nothing"}`
  }

  async #ids(): Promise<number[]> {
    const ids: number[] = []
    for await (const { key } of this.#self.backend.list("manifests/manifest-"))
      ids.push(Number.parseInt(key.slice(19), 10))
    return ids
  }
}
