import { exploring } from "./exploring.js"

exploring("threads", 3_500)
exploring("slow puts", 2_500)
exploring("threads copied and deleted", 2_500)
exploring("threads damaged", 2_000)
exploring("threads, weak listings", 1_500)
