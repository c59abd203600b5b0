// Resolves the packages of this project to copies of their builds in which a text is replaced.
import { pathToFileURL } from "node:url"

/** @type {Record<string, { folder: string, entries: Record<string, string> }>} */
let variants = {}

/** @param {typeof variants} data */
export function initialize(data) {
  variants = data
}

/**
 * @param {string} specifier
 * @param {object} context
 * @param {(specifier: string, context: object) => Promise<object>} next
 */
export async function resolve(specifier, context, next) {
  for (const { folder, entries } of Object.values(variants)) {
    const entry = entries[specifier]
    if (entry !== undefined) return { url: pathToFileURL(`${folder}/${entry}`).href, shortCircuit: true }
  }
  return next(specifier, context)
}
