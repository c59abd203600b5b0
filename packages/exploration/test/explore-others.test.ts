import { exploring } from "./exploring.js"

exploring("history lost", 6_000)
exploring("history rolled back", 2_000)
exploring("manifests damaged", 4_000)
exploring("beside the reference", 2_000)
