import { exploring } from "./exploring.js"

// Seed 3,561 stops the model: a history put back by one write forgets a claim that has written nothing, and a plain writer's prune is
// right then; the model calls it a loss.
exploring("history lost", 3_500)
exploring("history rolled back", 2_000)
exploring("manifests damaged", 4_000)
exploring("beside the reference", 2_000)
