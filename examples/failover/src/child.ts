import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Place } from "./place.js"
import type { Answer, Order } from "./protocol.js"

const program = fileURLToPath(new URL("./coordinator.js", import.meta.url))

/** A coordinator as its supervisor sees it. */
export class Coordinator implements AsyncDisposable {
  readonly name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<void>

  constructor(name: string, place: Place) {
    this.name = name
    this.#child = fork(program, [name, JSON.stringify(place)])
    this.#exited = new Promise((resolve) => this.#child.once("exit", () => resolve()))
  }

  /** Gives an order. A stopped process answers when it goes on. */
  tell(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`coordinator ${this.name} ended without an answer`))
      this.#child.once("exit", onExit)
      this.#child.once("message", (answer) => {
        this.#child.off("exit", onExit)
        resolve(answer as Answer)
      })
      this.#child.send(order)
    })
  }

  /** Stops the process wherever it is, as a machine that swaps would, or a container that is throttled. */
  stop(): void {
    this.#child.kill("SIGSTOP")
  }

  wake(): void {
    this.#child.kill("SIGCONT")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.send({ do: "stop" } satisfies Order)
    this.wake()
    await this.#exited
  }
}
