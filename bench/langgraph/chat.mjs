import { randomBytes } from "node:crypto"

/** A message of 1 KiB, which nobody can compress much: base64. */
const text = () => randomBytes(768).toString("base64")

/**
 * A chat with a model that answers at once. Its graph is LangGraph's smallest: a turn stores three checkpoints (the input, the message,
 * the answer) and the writes of two tasks.
 *
 * @param {any} checkpointer
 * @param {"sync" | "async"} durability
 * @returns {Promise<{ turn: () => Promise<unknown> }>}
 */
export async function chatOf(checkpointer, durability = "sync") {
  const { AIMessage, HumanMessage } = await import("@langchain/core/messages")
  const { END, MessagesAnnotation, START, StateGraph } = await import("@langchain/langgraph")
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("model", () => ({ messages: [new AIMessage(text())] }))
    .addEdge(START, "model")
    .addEdge("model", END)
    .compile({ checkpointer })
  const config = { configurable: { thread_id: "chat" }, durability }
  return { turn: () => graph.invoke({ messages: [new HumanMessage(text())] }, config) }
}
