import type { CompiledStateGraph, StateGraph } from "@langchain/langgraph"
import type { Place } from "./place.mjs"

/** What one process does. */
export interface Task {
  readonly place: Place
  readonly thread: string
  /** What the person says. Without it, the process is killed in the moment in which the person is asked. */
  readonly answer?: string
  readonly durability?: "sync" | "async"
  /** With which of its writes it is killed. */
  readonly dies?: { readonly write: number; readonly moment: "before" | "during" | "after" }
}

export declare function graphOf(onRun?: (node: string) => void): StateGraph<unknown>
export declare function work(
  agent: CompiledStateGraph<unknown, unknown>,
  config: { configurable: { thread_id: string }; durability?: "sync" | "async" },
  answer: string,
): Promise<string>
