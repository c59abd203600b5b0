import { exploring } from "./exploring.js"

exploring("pointer lost", 14_000)
exploring("states damaged", 20_000)
exploring("manifests rolled back", 10_000)
exploring("expiry", 20_000)
exploring("damage at rest", 20_000)
