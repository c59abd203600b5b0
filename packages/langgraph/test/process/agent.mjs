// An agent with a model that is a function: it asks its tool round after round, then a person, and then answers. It is one process's whole
// work on a thread: it starts the thread, or goes on where it is. Each line on its stdout is a fact:
//
//   runs {node}                        a node begins
//   keeps {checkpoint} [{task}]        the checkpointer has said that a checkpoint, or the writes of a task, are safe
//   asks {question}                    the agent waits for the person
//   damaged {key}                      a checkpoint does not verify
//   ends {what the thread says at the end}
//
//   node agent.mjs {its Task of agent.d.mts, as JSON}
import { CkptSaver } from "@ckpt/langgraph"
import { Annotation, Command, END, INTERRUPT, interrupt, isInterrupted, START, StateGraph } from "@langchain/langgraph"
import { openerOf } from "./place.mjs"

const rounds = 4

const append = { reducer: (all, more) => all.concat(more), default: () => [] }
const State = Annotation.Root({ messages: Annotation(append), facts: Annotation(append), approved: Annotation() })

/** What a model would say: the same for the same messages. */
function model({ messages }) {
  const asked = messages.filter((message) => message.startsWith("tool ")).length
  return { messages: [asked < rounds ? `ask ${asked}` : `sum of ${messages.length} messages`] }
}

export function graphOf(onRun = () => {}) {
  const named = (name, run) => [
    name,
    (state) => {
      onRun(name)
      return run(state)
    },
  ]
  return (
    new StateGraph(State)
      .addNode(...named("model", model))
      .addNode(...named("tool", ({ messages }) => ({ messages: [`tool ${messages.at(-1)}`] })))
      // Beside the tool, so that a step has two tasks.
      .addNode(...named("library", ({ facts }) => ({ facts: [`fact ${facts.length} `.repeat(3000)] })))
      .addNode(...named("person", () => ({ approved: interrupt("may I?") })))
      .addNode(
        ...named("answer", ({ messages, facts, approved }) => ({
          messages: [`${approved}: ${messages.length} ${facts.length}`],
        })),
      )
      .addEdge(START, "model")
      .addConditionalEdges("model", ({ messages }) =>
        messages.at(-1).startsWith("ask") ? ["tool", "library"] : ["person"],
      )
      .addEdge(["tool", "library"], "model")
      .addEdge("person", "answer")
      .addEdge("answer", END)
  )
}

/** Goes on with a thread until nothing is left to do. */
export async function work(agent, config, answer, onQuestion = () => {}) {
  for (;;) {
    const { tasks, config: found } = await agent.getState(config)
    const isNew = found.configurable?.checkpoint_id === undefined
    // A task may have ended, and its step not: it is in `tasks`, and no more in `next`.
    if (!isNew && tasks.length === 0) break
    const waits = tasks.some(({ interrupts }) => interrupts.length > 0)
    const input = isNew ? { messages: ["question"] } : waits ? new Command({ resume: answer }) : null
    const result = await agent.invoke(input, config)
    if (isInterrupted(result)) onQuestion(result[INTERRUPT][0].value)
  }
  const { messages, facts, approved } = (await agent.getState(config)).values
  return JSON.stringify({ messages, facts: facts.map((fact) => fact.length), approved })
}

const end = () => process.kill(process.pid, "SIGKILL")
/** A pipe takes it at once: what was said before a kill was said. */
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`)

/** Ends this process with one of its writes, as a power cut of the program would. */
function mortal(backend, { write, moment }) {
  let writes = 0
  const put = backend.put.bind(backend)
  backend.put = async (...given) => {
    // The probe of the storage before the first write is none of the thread.
    if (!given[0].startsWith(".ckpt-probe-")) writes++
    const isLast = writes === write
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

class TellingSaver extends CkptSaver {
  async put(...given) {
    const config = await super.put(...given)
    say("keeps", config.configurable.checkpoint_id)
    return config
  }

  async putWrites(config, writes, task, path) {
    await super.putWrites(config, writes, task, path)
    if (writes.length > 0) say("keeps", config.configurable.checkpoint_id, task)
  }
}

if (process.argv[1] === import.meta.filename) {
  const { place, thread, answer, durability, dies } = JSON.parse(process.argv[2])
  const open = await openerOf(place)
  const checkpointer = new TellingSaver({
    backend: dies === undefined ? open() : mortal(open(), dies),
    ownsBackend: true,
    // So that each channel with a text in it has values of its own: a kill meets one as often as a checkpoint.
    inlineBytes: 20,
    onEvent: (event) => event.type === "damaged" && say("damaged", event.key),
  })
  const agent = graphOf((node) => say("runs", node)).compile({ checkpointer })
  const config = { configurable: { thread_id: thread }, durability }
  const text = await work(agent, config, answer, (question) => {
    say("asks", question)
    if (answer === undefined) end()
  })
  await checkpointer.close()
  say("ends", text)
}
