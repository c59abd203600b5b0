// npm run docs: the documentation as a static site, in packages/site/dist.
import { build, docs, install } from "./toolchain.mjs"

process.exitCode = install() || build() || docs()
