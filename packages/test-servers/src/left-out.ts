const toldKey = Symbol.for("@ckpt/test-servers/told")
const globals = globalThis as { [toldKey]?: Set<string> }

/**
 * Says once on stderr which tests are left out, why, and which variables to set so that they run.
 *
 * @throws Error with that text if CI=true, where every test must run
 */
export function leaveOut(server: string, reason: string, remedy: string): undefined {
  const text = `The tests against ${server} are left out: ${reason}. ${remedy}`
  if (process.env["CI"] === "true") throw new Error(text)
  globals[toldKey] ??= new Set()
  const told = globals[toldKey]
  if (!told.has(text)) process.stderr.write(`${text}\n`)
  told.add(text)
  return undefined
}
