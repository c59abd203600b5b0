import { exploring } from "./exploring.js"

exploring("readers", 7_000)
exploring("read while pruned", 2_000)
exploring("ids used twice", 2_000)
exploring("pins", 7_000)
exploring("long", 2_000)
