// npm run fuzz: ten million damaged manifests, histories, pointers and names, and a thousand damaged folders. `npm run fuzz -- 1000000`
// gives another number of inputs, and a folder for each 10,000 of them, 15 at least. A failure prints its seed.
import { build, install, run } from "./toolchain.mjs"

const inputs = Number(process.argv[2] ?? 10_000_000)
if (!Number.isSafeInteger(inputs) || inputs < 1) throw new Error("npm run fuzz -- <how many inputs>")
const files = ["packages/core/test/format/mutations.test.ts", "packages/fs/test/objects/hostile-trees.test.ts"]
// Fewer trees than in an ordinary run would not do: a tenth of them must have lost something.
const trees = Math.max(15, Math.ceil(inputs / 10_000))
const env = { CKPT_FUZZ: String(inputs), CKPT_TREES: String(trees) }
process.exitCode =
  install() || build() || run("vitest", ["run", "--project", "@ckpt/core", "--project", "@ckpt/fs", ...files], { env })
