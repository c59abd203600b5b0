import type { CkptSaver } from "@ckpt/langgraph"
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph"

const State = Annotation.Root({
  /** What the person wants. */
  wish: Annotation<string>,
  /** What the tools have found, a line each. */
  found: Annotation<string[]>({ reducer: (all, more) => [...all, ...more], default: () => [] }),
  offer: Annotation<string>,
  answer: Annotation<string>,
  booking: Annotation<string>,
})

/** A step that costs money says so, that a reader sees which steps run again. */
const paid = (what: string) => console.log(`  pays for: ${what}`)

/** An agent that plans a trip: two searches at the same time, a model that makes an offer, a person who decides, and a booking. */
export const agent = (checkpointer: CkptSaver) =>
  new StateGraph(State)
    .addNode("trains", ({ wish }) => {
      paid(`a search for trains, ${wish}`)
      return { found: ["a train at 9:12"] }
    })
    .addNode("hotels", ({ wish }) => {
      paid(`a search for hotels, ${wish}`)
      return { found: ["a room by the river"] }
    })
    .addNode("model", ({ wish, found }) => {
      paid("a call of the model")
      return { offer: `${wish}: ${found.join(", and ")}` }
    })
    .addNode("person", ({ offer }) => ({ answer: interrupt<string, string>(`${offer}. Book it?`) }))
    .addNode("book", ({ offer, answer }) => {
      if (answer !== "yes") return { booking: "nothing is booked" }
      paid("the booking")
      return { booking: `booked ${offer}` }
    })
    .addEdge(START, "trains")
    .addEdge(START, "hotels")
    .addEdge(["trains", "hotels"], "model")
    .addEdge("model", "person")
    .addEdge("person", "book")
    .addEdge("book", END)
    .compile({ checkpointer })
