import { officialSuite } from "./official.js"
import { memory } from "./storages.js"

officialSuite(memory)
