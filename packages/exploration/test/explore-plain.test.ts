import { exploring } from "./exploring.js"

exploring("plain", 10_000)
exploring("updates", 6_000)
exploring("retention", 10_000)
exploring("collection", 10_000)
exploring("slow saves", 10_000)
