import { claimingPlans } from "./plans-claiming.js"
import { damagedPlans } from "./plans-damaged.js"
import { diskPlans } from "./plans-disk.js"
import { endingPlans } from "./plans-ending.js"
import { plainPlans } from "./plans-plain.js"
import { storagePlans } from "./plans-storages.js"
import { tamperedPlans } from "./plans-tampered.js"
import { threadPlans } from "./plans-threads.js"

export const plans = {
  ...plainPlans,
  ...claimingPlans,
  ...damagedPlans,
  ...endingPlans,
  ...tamperedPlans,
  ...storagePlans,
  ...diskPlans,
  ...threadPlans,
}

export type PlanName = keyof typeof plans
export const planNames = Object.keys(plans) as PlanName[]
