import { mutants } from "../src/mutants/index.js"
import { testMutant } from "./mutant-tests.js"

// In two files, for two cores.
for (const [index, mutant] of mutants.entries()) if (index % 2 === 0) testMutant(mutant)
