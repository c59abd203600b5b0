import type UPlot from "uplot"

// The value is the global name that uPlot's own file brings (`allowUmdGlobalAccess`).
export type { UPlot }

/** Values of one chart: times in seconds, then each series. */
export type Columns = [number[], ...(number | null)[][]]
