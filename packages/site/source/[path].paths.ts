import { linkedSources, sourcePage } from "../src/pages.js"

export default {
  paths: () => linkedSources().map((path) => ({ params: { path }, content: sourcePage(path) })),
}
