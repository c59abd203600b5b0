/**
 * What adapters for HTTP object stores have in common: uploads in parts, bodies that are checked, pages, and errors.
 * An adapter need not use any of it.
 */
export { type BodyOptions, contentBody } from "./content.js"
export { type HttpFailure, httpError, parseRetryAfter } from "./http-errors.js"
export { allPages, type Page } from "./pages.js"
export { type UploadLimits, type UploadPart, type UploadSteps, uploadBody } from "./upload.js"
