import { exploring } from "./exploring.js"

exploring("claims", 10_000)
exploring("superseded", 7_000)
exploring("first claim", 10_000)
exploring("claims and deletes", 8_000)
