// Before a build: removes the `dist` of the package it is run in, so that nothing is packed whose source is gone.
import { rmSync } from "node:fs"

rmSync("dist", { recursive: true, force: true })
