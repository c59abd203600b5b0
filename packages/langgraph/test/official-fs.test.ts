import { officialSuite } from "./official.js"
import { fs } from "./storages.js"

officialSuite(fs)
