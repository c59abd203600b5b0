import { edit, type Mutant } from "./mutant.js"

/** The rules of pins, each left out. */
export const pinMutants: readonly Mutant[] = [
  {
    name: "a pin is an object alone",
    edits: [
      edit("history/pin", "if (current.pins.get(name) === id)\n            return undefined;", "return undefined;"),
    ],
    plans: ["pins"],
  },
  {
    name: "what was pinned meanwhile is not spared",
    edits: [edit("retention/remove", "return remove(pinsOf(listing, raised), ", "return remove([], ")],
    plans: ["pins"],
  },
  {
    name: "the floor does not keep what is pinned",
    edits: [edit("history/pointer-file", "[...kept, ...current.pins.values()]", "kept")],
    plans: ["pins"],
  },
  {
    name: "a pin does not ask whether its checkpoint still counts",
    edits: [edit("history/pin", "if (!counts(id, epoch, current))", "if (false)")],
    plans: ["pins"],
  },
]
