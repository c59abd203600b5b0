import { claimMutants } from "./claims.js"
import { collectingMutants } from "./collecting.js"
import { commitMutants } from "./commit.js"
import { deletingMutants } from "./deleting.js"
import { diskMutants } from "./disk.js"
import { endingMutants } from "./ending.js"
import { lostMutants } from "./lost.js"
import type { Mutant } from "./mutant.js"
import { pinMutants } from "./pins.js"
import { readerMutants } from "./readers.js"
import { silenceMutants } from "./silence.js"
import { storageMutants } from "./storage.js"
import { otherStorageMutants } from "./storages.js"
import { tamperedMutants } from "./tampered.js"
import { threadMutants } from "./threads.js"

/** Each protection of the protocol, left out. The tests and `record.ts` take them in this order. */
export const mutants: readonly Mutant[] = [
  ...storageMutants,
  ...commitMutants,
  ...readerMutants,
  ...deletingMutants,
  ...collectingMutants,
  ...claimMutants,
  ...pinMutants,
  ...lostMutants,
  ...silenceMutants,
  ...endingMutants,
  ...tamperedMutants,
  ...otherStorageMutants,
  ...diskMutants,
  ...threadMutants,
]
