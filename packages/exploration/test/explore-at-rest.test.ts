import { exploring } from "./exploring.js"

exploring("manifests rolled back", 25_000)
exploring("expiry", 50_000)
exploring("damage at rest", 50_000)
