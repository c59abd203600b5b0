import type { CheckpointManifest, SaveOptions } from "@ckpt/fs"

/** The bytes of one checkpoint's state, derived from its id and, for two writers of one id, from who wrote it. */
export function stateOf(id: number, writer?: string): Buffer
/** What `save` is given for an id: arrays, streams and operators take turns. */
export function contentsOf(id: number, writer?: string): SaveOptions
/** The same for the same id, so that a save can be tried again after its process died. */
export function manifestOf(id: number): CheckpointManifest
export const operatorName: string
export function hasOperators(id: number): boolean
