// Run before a build, in a package: removes its `dist`, so that no file is packed whose source is gone.
import { rmSync } from "node:fs"

rmSync("dist", { recursive: true, force: true })
