import type { PlanName } from "../scenario/plans.js"
import type { StorageFlaws } from "../storage/storage.js"
import type { Edit } from "./variant.js"

/** The protocol without one of its rules. */
export interface Mutant {
  readonly name: string
  /** What goes wrong without it, where that is not plain. */
  readonly edits?: readonly Edit[]
  readonly flaws?: StorageFlaws
  /** It takes thousands of schedules to find: the tests play the one that was kept, `pnpm record` finds it anew. */
  readonly isRare?: boolean
  /** Where it shows. */
  readonly plans: readonly PlanName[]
}

/** A change of one file of core's build, named without its `.js`. */
export const edit = (file: string, find: string, replace: string): Edit => ({ file: `${file}.js`, find, replace })
