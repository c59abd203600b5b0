/// <reference types="node" preserve="true" />

/**
 * What adapters for HTTP object stores have in common: bodies that are checked, ranges, pages, and errors; and core's way
 * to write a body of any length, for those who call a backend without a store. An adapter need not use any of it.
 */

export { onAbort, untilAborted } from "../async/abort.js"
export { isDue } from "../async/age.js"
export { mapConcurrently, together } from "../async/concurrency.js"
export { Mutex } from "../async/mutex.js"
export { withKind } from "../errors.js"
export { byUtf8 } from "../format/utf8-order.js"
export { checkOptions } from "../input/check-options.js"
export {
  aBoolean,
  aFunction,
  anObject,
  anything,
  aString,
  group,
  type Kind,
  milliseconds,
  oneOf,
  type Shape,
  type ShapeOf,
  wholeNumber,
  withMethods,
} from "../input/kinds.js"
export { show } from "../input/show.js"
export { recyclerOf } from "../storage/blocks.js"
export { putBody } from "../storage/put-body.js"
export { type Attempt, type UploadOptions, uploadInParts } from "../storage/upload-in-parts.js"
export { checkStoreOptions } from "../store-options.js"
export { type BodyOptions, contentBody } from "./content.js"
export { assertEtag, strongEtag } from "./etag.js"
export { type HttpFailure, httpError, parseRetryAfter } from "./http-errors.js"
export { inOrder, isRange, partOf } from "./in-order.js"
export { oneChunk } from "./one-chunk.js"
export { allPages, type Page } from "./pages.js"
export {
  type AnsweredRange,
  answeredRange,
  assertVersion,
  emptyContent,
  parallelRanges,
  rangeHeader,
} from "./ranges.js"
export { lazySdk, type SdkPackage } from "./sdk.js"
export { folderOfUrl, parseObjectUrl, schemeOf, urlExamples } from "./url.js"
export { type RunningChecksum, verifiedBody } from "./verified.js"
