/// <reference types="node" preserve="true" />

/**
 * What adapters for HTTP object stores have in common: uploads in parts, bodies that are checked, pages, and errors.
 * An adapter need not use any of it.
 */

export { onAbort, untilAborted } from "../async/abort.js"
export { mapConcurrently } from "../async/concurrency.js"
export { Mutex } from "../async/mutex.js"
export type { UploadLimits } from "../storage/blocks.js"
export { type UploadPart, type UploadSteps, uploadBody } from "../storage/upload-in-parts.js"
export { type BodyOptions, contentBody } from "./content.js"
export { type HttpFailure, httpError, parseRetryAfter } from "./http-errors.js"
export { allPages, type Page } from "./pages.js"
export { answeredRange, assertVersion, emptyContent, rangeHeader } from "./ranges.js"
export { type RunningChecksum, verifiedBody } from "./verified.js"
export { withKind } from "./with-kind.js"
