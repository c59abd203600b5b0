import type { Mutant } from "../mutants/support.js"
import { slotted } from "./abandoned.js"
import { knowing } from "./commits.js"
import { keeping } from "./copies.js"
import { naming } from "./keys.js"
import { showing } from "./listings.js"
import { giving } from "./support.js"
import { timed } from "./times.js"
import { versions } from "./versions.js"

/** What the liars are made of, without the lie. */
export const honest: readonly Mutant[] = [
  { name: "gives whole objects", of: (real) => giving(real, ({ bytes, start, end }) => bytes.slice(start, end)) },
  { name: "has slots", of: slotted(32, ["end", "return"]) },
  { name: "knows what commits created", of: (real) => knowing(real, () => ({})) },
  {
    name: "keeps no chunks",
    of: (real) => {
      const { get, put } = keeping(real, () => false)
      return { get, put }
    },
  },
  { name: "has its own names", of: naming((key) => key) },
  { name: "shows a listing", of: showing((metas) => metas) },
  { name: "has its own times", of: timed(({ lastModified }) => lastModified) },
  { name: "has its own versions", of: (real) => versions(real, (_, { version }) => `v${version}`) },
]
