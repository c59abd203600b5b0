import { gcs } from "./clouds/gcs.js"
import { describeMatrix } from "./faults/matrix.js"

describeMatrix(gcs)
