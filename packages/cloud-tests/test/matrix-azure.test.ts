import { azure } from "./clouds/azure.js"
import { describeMatrix } from "./faults/matrix.js"

describeMatrix(azure)
