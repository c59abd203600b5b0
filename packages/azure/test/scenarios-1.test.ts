import { describeShare } from "../../conformance/test/describe-share.js"
import { azureStorage, test } from "./storage.js"

describeShare({ test, storage: azureStorage }, 0, 3)
