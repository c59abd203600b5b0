import { exploring } from "./exploring.js"

exploring("one process", 5_000)
exploring("one process, slow saves", 5_000)
