import { exploring } from "./exploring.js"

exploring("one process", 6_000)
exploring("one process, slow saves", 6_000)
