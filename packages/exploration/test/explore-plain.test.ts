import { exploring } from "./exploring.js"

exploring("plain", 12_000)
exploring("retention", 12_000)
exploring("collection", 12_000)
exploring("slow saves", 10_000)
