import { exploring } from "./exploring.js"

exploring("plain", 8_000)
exploring("updates", 6_000)
exploring("retention", 8_000)
exploring("collection", 7_000)
exploring("slow saves", 8_000)
exploring("collection beside own saves", 2_000)
