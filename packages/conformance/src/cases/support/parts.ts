import type { UploadInParts } from "@ckpt/core"
import type { CaseContext } from "../../harness/case.js"
import { fail } from "./check.js"

/** The parts of the backend, in a case that needs them. */
export function partsOf({ parts }: CaseContext): UploadInParts {
  return parts ?? fail("parts", "a backend with parts", undefined)
}
