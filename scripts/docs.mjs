// npm run docs: the documentation as a static site, in packages/site/dist.
import { docs, install } from "./toolchain.mjs"

process.exitCode = install() || docs()
