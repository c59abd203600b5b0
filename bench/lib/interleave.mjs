/**
 * A subject that is timed.
 *
 * @typedef {object} Subject
 * @property {string} name
 * @property {(round: number) => Promise<unknown>} run what is timed; rounds count up from 0, warm-up included
 * @property {(round: number) => Promise<unknown>} [before] made ready outside of the time
 * @property {(round: number) => Promise<unknown>} [after] cleaned up outside of the time
 * @property {string} [note]
 */

/**
 * @typedef {object} Timed
 * @property {string} name
 * @property {number[]} ms one for each round
 * @property {string} [note]
 * @property {string} [failed] why it has no times
 */

/**
 * Runs all subjects in each round, in another order each time, and no subject twice in a row. So a load on the machine
 * for a while meets all subjects, and no subject always comes after the same other subject. Example: a disk still frees
 * the blocks of one subject, which costs the next subject time. A subject that fails leaves the race; the others go on.
 *
 * @param {readonly Subject[]} subjects
 * @param {{ rounds: number, warmup?: number, budgetMs?: number }} options at least three rounds are run; after that
 *   the budget may end it
 * @returns {Promise<Timed[]>}
 */
export async function interleave(subjects, { rounds, warmup = 1, budgetMs = Number.POSITIVE_INFINITY }) {
  /** @type {Map<Subject, Timed>} */
  const results = new Map(subjects.map((subject) => [subject, { name: subject.name, ms: [], note: subject.note }]))
  const started = performance.now()
  const nextOrder = orders(subjects)
  for (let round = 0; round < rounds + warmup; round++) {
    const timedRound = round - warmup
    if (timedRound >= 3 && performance.now() - started > budgetMs) break
    for (const subject of nextOrder()) {
      const result = /** @type {Timed} */ (results.get(subject))
      if (result.failed !== undefined) continue
      try {
        await subject.before?.(round)
        const from = performance.now()
        await subject.run(round)
        const ms = performance.now() - from
        if (timedRound >= 0) result.ms.push(ms)
        await subject.after?.(round)
      } catch (error) {
        result.failed = error instanceof Error ? error.message.split("\n")[0] : String(error)
        result.ms = []
      }
    }
  }
  return [...results.values()]
}

/**
 * Orders from a fixed seed, so that every run has the same orders.
 *
 * @template T
 * @param {readonly T[]} subjects
 */
function orders(subjects) {
  let state = 1
  // A linear congruential generator (Numerical Recipes), good enough to mix a handful.
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  /** @type {T | undefined} */
  let last
  return () => {
    const order = [...subjects]
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[order[i], order[j]] = [/** @type {T} */ (order[j]), /** @type {T} */ (order[i])]
    }
    if (order[0] === last && order.length > 1) order.push(/** @type {T} */ (order.shift()))
    last = order.at(-1)
    return order
  }
}
