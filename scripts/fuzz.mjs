// npm run fuzz: ten million damaged manifests, histories, pointers and names, and a thousand damaged trees. `npm run fuzz -- 1000000`
// gives another number. A failure prints its seed.
import { build, install, run } from "./toolchain.mjs"

const inputs = Number(process.argv[2] ?? 10_000_000)
if (!Number.isSafeInteger(inputs) || inputs < 1) throw new Error("npm run fuzz -- <how many inputs>")
const files = ["packages/core/test/format/mutations.test.ts", "packages/fs/test/objects/hostile-trees.test.ts"]
const env = { CKPT_FUZZ: String(inputs), CKPT_TREES: String(Math.ceil(inputs / 10_000)) }
process.exitCode =
  install() || build() || run("vitest", ["run", "--project", "@ckpt/core", "--project", "@ckpt/fs", ...files], { env })
