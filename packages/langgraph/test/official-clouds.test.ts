import { officialSuite } from "./official.js"
import { clouds } from "./storages.js"

for (const cloud of clouds) officialSuite(cloud)
