import type { BackendCase } from "../harness/case.js"
import { abortCases } from "./abort.js"
import { atomicityCases } from "./atomicity.js"
import { bodyFailureCases } from "./body-failure.js"
import { commitCases } from "./commit.js"
import { commitPointerCases } from "./commit-pointer.js"
import { commitRefusalCases } from "./commit-refusals.js"
import { createCases } from "./create.js"
import { deleteCases } from "./delete.js"
import { errorCases } from "./errors.js"
import { getCases } from "./get.js"
import { leftoverCases } from "./leftovers.js"
import { lifetimeCases } from "./lifetime.js"
import { listCases } from "./list.js"
import { partRequestCases } from "./part-requests.js"
import { partCases } from "./parts.js"
import { putCases } from "./put.js"
import { rangeCases } from "./ranges.js"
import { replaceCases } from "./replace.js"

/** The cases that every backend must pass. `claimCases` stand apart, for backends with claims of their own. */
export const backendCases: readonly BackendCase[] = [
  ...putCases,
  ...partCases,
  ...partRequestCases,
  ...createCases,
  ...replaceCases,
  ...getCases,
  ...rangeCases,
  ...listCases,
  ...deleteCases,
  ...abortCases,
  ...bodyFailureCases,
  ...atomicityCases,
  ...errorCases,
  ...lifetimeCases,
  ...leftoverCases,
  ...commitCases,
  ...commitRefusalCases,
  ...commitPointerCases,
]
