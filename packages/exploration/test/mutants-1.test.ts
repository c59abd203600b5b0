import { mutants } from "../src/mutants/index.js"
import { testMutant } from "./mutant-tests.js"

// The mutants are split over two files, so that two cores run them at once.
for (const [index, mutant] of mutants.entries()) if (index % 2 === 0) testMutant(mutant)
