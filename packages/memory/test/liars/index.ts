import { abandonedLiars } from "./abandoned.js"
import { changeLiars } from "./changes.js"
import { commitLiars } from "./commits.js"
import { copyLiars } from "./copies.js"
import { deleteLiars } from "./deletes.js"
import { handleLiars, sequenceLiars } from "./handles.js"
import { keyLiars } from "./keys.js"
import { leftoverLiars } from "./leftovers.js"
import { listingLiars } from "./listings.js"
import { pieceLiars } from "./pieces.js"
import { rangeLiars } from "./ranges.js"
import { timeLiars } from "./times.js"
import { versionLiars } from "./versions.js"

/** The liars by kind. */
export const liars = {
  copies: copyLiars,
  pieces: pieceLiars,
  changes: changeLiars,
  "given up": abandonedLiars,
  listings: listingLiars,
  ranges: rangeLiars,
  keys: keyLiars,
  versions: versionLiars,
  commits: commitLiars,
  leftovers: leftoverLiars,
  deletes: deleteLiars,
  times: timeLiars,
  "two backends": handleLiars,
  sequences: sequenceLiars,
}
