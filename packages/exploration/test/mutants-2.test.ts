import { mutants } from "../src/mutants/index.js"
import { testMutant } from "./mutant-tests.js"

for (const [index, mutant] of mutants.entries()) if (index % 2 === 1) testMutant(mutant)
