import { exploring } from "./exploring.js"

// Ten times as long as others: each file call is a request.
exploring("disk", 3_000)
exploring("failing syncs", 3_000)
