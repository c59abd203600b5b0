import { azure } from "./azure.js"
import type { Cloud } from "./cloud.js"
import { gcs } from "./gcs.js"
import { s3 } from "./s3.js"

export const clouds: readonly Cloud[] = [s3, azure, gcs]
