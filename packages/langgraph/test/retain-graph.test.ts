// A graph with a subgraph that waits for a person, whose thread is pruned again and again.
import { MemoryBackend } from "@ckpt/memory"
import { Annotation, Command, END, interrupt, START, StateGraph } from "@langchain/langgraph"
import { expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent } from "../src/index.js"
import { idsOf, large } from "./threads.js"

const config = { configurable: { thread_id: "t" } }
const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  text: Annotation<string>(),
})

function graphOn(checkpointer: CkptSaver) {
  const inner = new StateGraph(State)
    .addNode("draft", () => ({ log: ["draft"] }))
    .addNode("ask", () => ({ log: [`answer ${interrupt("go on?")}`] }))
    .addNode("done", () => ({ log: ["done"] }))
    .addEdge(START, "draft")
    .addEdge("draft", "ask")
    .addEdge("ask", "done")
    .addEdge("done", END)
    .compile()
  return new StateGraph(State)
    .addNode("plan", ({ log }) => ({ text: large(`${log.length}.`) }))
    .addNode("work", async (state) => {
      const { log } = await inner.invoke({ log: [], text: state.text })
      return { log }
    })
    .addNode("end", ({ text }) => ({ log: [text.slice(0, 3)] }))
    .addEdge(START, "plan")
    .addEdge("plan", "work")
    .addEdge("work", "end")
    .addEdge("end", END)
    .compile({ checkpointer })
}

/** @param after called with the saver of each call of the graph, which may be on another machine */
async function turns(open: () => CkptSaver, after = async (_: CkptSaver) => {}): Promise<string[]> {
  for (let turn = 0; turn < 6; turn++) {
    {
      await using saver = open()
      await graphOn(saver).invoke({ log: [`turn ${turn}`] }, config)
      await after(saver)
    }
    await using saver = open()
    await graphOn(saver).invoke(new Command({ resume: turn }), config)
    await after(saver)
  }
  await using saver = open()
  return (await graphOn(saver).getState(config)).values.log
}

test("a graph whose thread is pruned in each of its runs, and behind it, ends as without that", async () => {
  const [backend, other] = [new MemoryBackend(), new MemoryBackend()]
  const events: CkptSaverEvent[] = []
  const onEvent = (event: CkptSaverEvent) => events.push(event)
  const pruned = await turns(
    () => new CkptSaver({ backend, retain: { last: 1 }, random: () => 0, onEvent }),
    async (saver) => void (await saver.pruneThread("t", { last: 1 })),
  )
  expect(pruned).toEqual(await turns(() => new CkptSaver({ backend: other })))
  expect(pruned.filter((line) => line.startsWith("answer"))).toEqual([0, 1, 2, 3, 4, 5].map((turn) => `answer ${turn}`))
  expect(events).toEqual([])
  const all = (on: MemoryBackend) => idsOf(new CkptSaver({ backend: on }), config)
  expect((await all(backend)).length).toBeLessThan((await all(other)).length / 3)
})
