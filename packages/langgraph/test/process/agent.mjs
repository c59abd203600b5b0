// An agent with a model that is a function: it asks its tool round after round, then a person, and then answers. It is one process's whole
// work on a thread: it starts it, or goes on where the thread is, and prints what the thread says at the end.
//
//   node agent.mjs {folder} {thread} [{the number of the write that kills it} {before | during | after}]
import { FsBackend } from "@ckpt/fs"
import { CkptSaver } from "@ckpt/langgraph"
import { Annotation, Command, END, interrupt, START, StateGraph } from "@langchain/langgraph"

const rounds = 4
const [, , root, thread, fatal = "0", moment = "before"] = process.argv

const append = { reducer: (all, more) => all.concat(more), default: () => [] }
const State = Annotation.Root({ messages: Annotation(append), facts: Annotation(append), approved: Annotation() })

/** What a model would say: the same for the same messages. */
function model({ messages }) {
  const asked = messages.filter((message) => message.startsWith("tool ")).length
  return { messages: [asked < rounds ? `ask ${asked}` : `sum of ${messages.length} messages`] }
}

export const graph = new StateGraph(State)
  .addNode("model", model)
  .addNode("tool", ({ messages }) => ({ messages: [`tool ${messages.at(-1)}`] }))
  // Beside the tool, so that a step has two tasks; and of a size that does not fit into its checkpoint's object.
  .addNode("library", ({ facts }) => ({ facts: [`fact ${facts.length} `.repeat(1000)] }))
  .addNode("person", () => ({ approved: interrupt("may I?") }))
  .addNode("answer", ({ messages, facts, approved }) => ({
    messages: [`${approved}: ${messages.length} ${facts.length}`],
  }))
  .addEdge(START, "model")
  .addConditionalEdges("model", ({ messages }) =>
    messages.at(-1).startsWith("ask") ? ["tool", "library"] : ["person"],
  )
  .addEdge(["tool", "library"], "model")
  .addEdge("person", "answer")
  .addEdge("answer", END)

/** Goes on with a thread until nothing is left to do. */
export async function work(agent, config) {
  for (;;) {
    const { tasks, config: found } = await agent.getState(config)
    const isNew = found.configurable?.checkpoint_id === undefined
    // A task may have ended, and its step not: it is in `tasks`, and no more in `next`.
    if (!isNew && tasks.length === 0) break
    const waits = tasks.some(({ interrupts }) => interrupts.length > 0)
    await agent.invoke(isNew ? { messages: ["question"] } : waits ? new Command({ resume: "yes" }) : null, config)
  }
  const { messages, facts, approved } = (await agent.getState(config)).values
  return JSON.stringify({ messages, facts: facts.map((fact) => fact.length), approved })
}

/** Ends this process with one of its writes, as a power cut of the program would. */
function mortal(backend) {
  let writes = 0
  const end = () => process.kill(process.pid, "SIGKILL")
  const put = backend.put.bind(backend)
  backend.put = async (...given) => {
    const isLast = ++writes === Number(fatal)
    if (isLast && moment === "before") end()
    if (isLast && moment === "during") setImmediate(end)
    try {
      return await put(...given)
    } finally {
      if (isLast && moment === "after") end()
    }
  }
  return backend
}

if (root !== undefined) {
  const damaged = []
  const backend = mortal(new FsBackend(root))
  const checkpointer = new CkptSaver({
    backend,
    ownsBackend: true,
    onEvent: (event) => event.type === "damaged" && damaged.push(event),
  })
  const agent = graph.compile({ checkpointer })
  const answer = await work(agent, { configurable: { thread_id: thread } })
  if (damaged.length > 0) throw new Error(`damaged: ${damaged.map(({ key }) => key).join(", ")}`)
  await checkpointer.close()
  console.log(answer)
}
