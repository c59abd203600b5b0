import { installedVersion } from "../lib/prepare.mjs"

/**
 * The versions of the libraries that can be compared with: installed, compiled, and able to keep one manifest. ""
 * stands for a contender of this repository.
 *
 * @param {readonly import("./contender.mjs").Contender[]} contenders
 * @param {import("../lib/disk.mjs").Workplace} workplace
 * @param {string[]} leftOut gets a line for each that is not
 * @returns {Promise<Record<string, string>>}
 */
export async function usableVersions(contenders, workplace, leftOut) {
  /** @type {Record<string, string>} */
  const versions = { "": "" }
  for (const { name, package: of, open } of contenders) {
    if (of === "") continue
    const version = installedVersion(of)
    try {
      if (version === undefined) throw new Error("not installed, or not compiled")
      const session = await open(await workplace.fresh())
      await session.save(1, undefined)
      await session.close()
      versions[of] = version
    } catch (error) {
      leftOut.push(`${name}: ${error instanceof Error ? error.message.split("\n")[0] : error}`)
    }
  }
  return versions
}
