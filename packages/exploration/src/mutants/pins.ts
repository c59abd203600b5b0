import { gets, runs } from "../scenario/written.js"
import { edit, type Mutant } from "./mutant.js"

/** The rules of pins, each left out. */
export const pinMutants: readonly Mutant[] = [
  {
    name: "a pin is not written",
    edits: [
      edit(
        "history/pin",
        "if ((await history.change(current, next, signal)) !== undefined)\n            return;",
        "return;",
      ),
    ],
    plans: ["pins"],
  },
  {
    name: "a pin is made over a history that was replaced meanwhile",
    edits: [
      edit(
        "history/pin",
        "if ((await history.change(current, next, signal)) !== undefined)\n            return;",
        "if ((await history.change(await history.file.read(signal), next, signal)) !== undefined)\n            return;",
      ),
    ],
    // A store that knows the history has read manifest 2, to pin it. Another saves 3 and prunes 2. The pin is made over that, and
    // 2 is not there.
    written: {
      start: "two",
      processes: [
        [
          { do: "pin", which: 1, name: "a" },
          { do: "pin", which: 0, name: "b" },
        ],
        [{ do: "save" }, { do: "prune", policy: "last 1" }],
      ],
      steps: [runs(1, "get manifest-2"), gets(1, "get manifest-2"), runs(2), runs(1)],
    },
  },
  {
    name: "retention does not spare what is pinned",
    edits: [edit("retention/prune", "for (const { id } of view.pins)\n            kept.add(id);", "")],
    plans: ["pins"],
  },
  {
    name: "a floor keeps only the pinned checkpoints that are listed",
    edits: [edit("history/rule", "[...counting, ...pins.values()]", "[...counting]")],
    plans: ["beside the reference"],
  },
  {
    name: "a pin does not ask whether its checkpoint still counts",
    edits: [edit("history/pin", "if (!counts(id, epoch, record))", "if (false)")],
    plans: ["pins"],
  },
]
