import { exploring } from "./exploring.js"

exploring("readers", 9_000)
exploring("pins", 8_000)
exploring("long", 2_000)
