import { MiB } from "../lib/content.mjs"
import { chatTables } from "./chats.mjs"
import { Services } from "./services.mjs"
import { turnRaces } from "./turns.mjs"

/**
 * @param {{ long: number, effort: (usual: number, budgetMs: number) => { rounds: number, budgetMs: number } }} options `long`: the
 *   turns of a long chat
 * @returns {import("../plan.mjs").Measurement[]}
 */
export function langgraphPlan({ long, effort }) {
  /** @type {<T>(workplace: import("../lib/disk.mjs").Workplace, run: (services: Services) => Promise<T>) => Promise<T>} */
  const serving = async (workplace, run) => {
    const services = new Services(workplace)
    try {
      return await run(services)
    } finally {
      await services.stop()
    }
  }
  return [
    {
      name: "langgraph chat",
      room: 2048 * MiB,
      run: ({ workplace }) =>
        serving(workplace, async (services) => ({ tables: await chatTables([2, 20, long], services) })),
    },
    ...[20, long].map((turns) => ({
      name: `langgraph turn ${turns}`,
      room: 2048 * MiB,
      run: (/** @type {import("../plan.mjs").Context} */ { workplace }) =>
        serving(workplace, async (services) => ({
          races: await turnRaces({ turns, ...effort(51, 30_000) }, services),
        })),
    })),
  ]
}
