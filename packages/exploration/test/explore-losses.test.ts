import { exploring } from "./exploring.js"

exploring("lagging listings", 4_000)
exploring("losses", 4_000)
exploring("lost folders", 4_000)
exploring("all is lost", 1_000)
