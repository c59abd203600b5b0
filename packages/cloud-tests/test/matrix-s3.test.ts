import { s3 } from "./clouds/s3.js"
import { describeMatrix } from "./faults/matrix.js"

describeMatrix(s3)
