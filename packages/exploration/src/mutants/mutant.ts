import type { PlanName } from "../scenario/plans.js"
import type { Written } from "../scenario/written.js"
import type { StorageFlaws } from "../storage/storage.js"
import type { Edit } from "./variant.js"

/** The protocol without one of its rules. */
export interface Mutant {
  readonly name: string
  /** Changes of core's build that leave the rule out. */
  readonly edits?: readonly Edit[]
  /** Changes of the build of `@ckpt/fs`. */
  readonly fsEdits?: readonly Edit[]
  /** Changes of the build of `@ckpt/langgraph`. */
  readonly saverEdits?: readonly Edit[]
  /** Conditions that the storage does not keep. */
  readonly flaws?: StorageFlaws
  /** The plans whose schedules show it. */
  readonly plans?: readonly PlanName[]
  /** A schedule that shows it, in place of plans: no search would find it soon. */
  readonly written?: Written
}

/** A change of one file of a build, named without its `.js`. */
export const edit = (file: string, find: string, replace: string): Edit => ({ file: `${file}.js`, find, replace })
