// One process of the agent: it starts a thread, or goes on with it.
//
//   node dist/agent.js {folder} {thread} {wish}          then it waits for a person
//   node dist/agent.js {folder} {thread} --answer {answer}
import { FsBackend } from "@ckpt/fs"
import { CkptSaver } from "@ckpt/langgraph"
import { Command } from "@langchain/langgraph"
import { agent } from "./graph.js"

const [, , folder = "", thread = "", wish = "", answer = ""] = process.argv

const checkpointer = new CkptSaver({
  backend: new FsBackend(folder),
  ownsBackend: true,
  onEvent: (event) => event.type === "damaged" && console.error(`  passed over ${event.key}: ${event.error}`),
})
const graph = agent(checkpointer)
// A step is safe before the next one begins.
const config = { configurable: { thread_id: thread }, durability: "sync" as const }

if (wish === "--answer") await graph.invoke(new Command({ resume: answer }), config)
else await graph.invoke({ wish }, config)

const { values, tasks } = await graph.getState(config)
const [question] = tasks.flatMap(({ interrupts }) => interrupts)
if (question === undefined) {
  console.log(`  ${values.booking}`)
  await checkpointer.close()
} else {
  console.log(`  asks: ${question.value}`)
  // The person may take days. This process stays, and play.ts kills it.
  setInterval(() => {}, 1000)
}
