import { exploring } from "./exploring.js"

exploring("claims", 9_000)
exploring("superseded", 7_000)
exploring("first claim", 8_000)
exploring("claims and deletes", 7_000)
exploring("updates at a claim", 6_000)
