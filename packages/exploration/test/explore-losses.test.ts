import { exploring } from "./exploring.js"

exploring("lagging listings", 5_000)
exploring("losses", 5_000)
exploring("lost folders", 4_000)
