import { exploring } from "./exploring.js"

exploring("weak listings", 18_000)
exploring("throttled", 12_000)
