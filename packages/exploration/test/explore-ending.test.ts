import { exploring } from "./exploring.js"

exploring("aborts", 32_000)
exploring("closing", 28_000)
