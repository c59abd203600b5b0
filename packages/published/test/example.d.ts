interface Reached {
  member: number
}

/** A type. */
export interface Told {
  untold: string
  /** Members of members. */
  nested: { deep: boolean }
  method(): Promise<Reached[]>
}

export type Words = "one" | "two"

/** A function. */
export declare function call<T>(told: T): Told
