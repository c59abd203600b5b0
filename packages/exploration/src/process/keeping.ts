import type { Operation } from "../model/operation.js"
import { type Keeping, policies } from "../scenario/action.js"
import type { Self } from "./self.js"

/** Removes checkpoints, or pins them, and tells the model the answer. Resolves to the words for the trace. */
export async function keep({ world: { model }, store }: Self, action: Keeping, operation: Operation): Promise<string> {
  const { signal } = operation
  switch (action.do) {
    case "remove": {
      const id = model.nth(action.which)
      operation.removes = id
      const removed = await store.remove(id, { signal })
      if (removed) model.answers.removed(operation, [id])
      return removed ? `${id} is gone` : `${id} is not there`
    }
    case "prune": {
      const { removed } = await store.prune(policies[action.policy], { signal })
      model.answers.removed(operation, removed)
      return `removed ${removed.join(" ") || "nothing"}`
    }
    case "collectOrphans": {
      const { removed } = await store.collectOrphans({ olderThanMs: action.olderThanMs, signal })
      return `removed ${removed.join(" ") || "nothing"}`
    }
    case "pin": {
      const id = model.nth(action.which)
      await store.pin(id, action.name, { signal })
      model.answers.pinned(operation, id, action.name)
      return `${id} is pinned as ${action.name}`
    }
    case "unpin":
      try {
        return (await store.unpin(action.name, { signal })) ? "gone" : "there was none"
      } finally {
        model.answers.unpinned(action.name)
      }
    case "pins": {
      const pins = await store.pins({ signal })
      model.answers.pinsRead(operation, pins)
      return pins.map(({ id, name }) => `${id} as ${name}`).join(", ")
    }
  }
}
