import { exploring } from "./exploring.js"

exploring("pointer lost", 35_000)
exploring("states damaged", 50_000)
exploring("manifests rolled back", 25_000)
exploring("expiry", 50_000)
exploring("damage at rest", 50_000)
