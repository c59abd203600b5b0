import type { CompiledStateGraph, StateGraph } from "@langchain/langgraph"

export declare const graph: StateGraph<unknown>
export declare function work(
  agent: CompiledStateGraph<unknown, unknown>,
  config: { configurable: { thread_id: string } },
): Promise<string>
