import type { BackendCase } from "../harness/case.js"
import { abortCases } from "./abort.js"
import { atomicityCases } from "./atomicity.js"
import { bodyFailureCases } from "./body-failure.js"
import { boundaryCases } from "./boundaries.js"
import { changeCases } from "./changes.js"
import { commitCases } from "./commit.js"
import { commitEffectCases } from "./commit-effects.js"
import { commitPointerCases } from "./commit-pointer.js"
import { commitRefusalCases } from "./commit-refusals.js"
import { copyCases } from "./copies.js"
import { createCases } from "./create.js"
import { deleteCases } from "./delete.js"
import { errorCases } from "./errors.js"
import { getCases } from "./get.js"
import { givenUpCases } from "./given-up.js"
import { leftoverChoiceCases } from "./leftover-choice.js"
import { leftoverCases } from "./leftovers.js"
import { lifetimeCases } from "./lifetime.js"
import { listCases } from "./list.js"
import { listRangeCases } from "./list-ranges.js"
import { listingCases } from "./listings.js"
import { partRequestCases } from "./part-requests.js"
import { partCases } from "./parts.js"
import { putCases } from "./put.js"
import { randomCases } from "./random/index.js"
import { rangeCases } from "./ranges.js"
import { removalCases } from "./removals.js"
import { replaceCases } from "./replace.js"
import { timeCases } from "./times.js"
import { versionCases } from "./versions.js"

/** The cases that every backend must pass. `claimCases` stand apart, for backends with claims of their own. */
export const backendCases: readonly BackendCase[] = [
  ...putCases,
  ...copyCases,
  ...boundaryCases,
  ...partCases,
  ...partRequestCases,
  ...createCases,
  ...replaceCases,
  ...versionCases,
  ...getCases,
  ...changeCases,
  ...rangeCases,
  ...listCases,
  ...listingCases,
  ...listRangeCases,
  ...deleteCases,
  ...removalCases,
  ...abortCases,
  ...bodyFailureCases,
  ...atomicityCases,
  ...givenUpCases,
  ...errorCases,
  ...lifetimeCases,
  ...timeCases,
  ...leftoverCases,
  ...leftoverChoiceCases,
  ...commitCases,
  ...commitEffectCases,
  ...commitRefusalCases,
  ...commitPointerCases,
  ...randomCases,
]
