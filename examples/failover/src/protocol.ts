/** The orders of the supervisor to a coordinator, and the answers. One answer for each order, in turn. */
export type Order = { readonly do: "lead" } | { readonly do: "save" } | { readonly do: "stop" }

export type Answer =
  | { readonly outcome: "leads"; readonly recovered: number | undefined; readonly count: number }
  | { readonly outcome: "saved"; readonly id: number; readonly count: number }
  /** The code of the `CheckpointError`. */
  | { readonly outcome: "refused"; readonly code: string; readonly message: string }
