import { describeThird } from "./scenario-files.js"

describeThird(1)
