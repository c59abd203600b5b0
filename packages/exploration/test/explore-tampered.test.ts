import { exploring } from "./exploring.js"

exploring("pointer lost", 35_000)
exploring("states damaged", 50_000)
