import { exploring } from "./exploring.js"

exploring("weak listings", 45_000)
exploring("throttled", 30_000)
