import { exploring } from "./exploring.js"

exploring("aborts", 80_000)
exploring("closing", 70_000)
