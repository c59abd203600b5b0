const clock = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400]
/** Steps of an axis of times in seconds: as clocks have them. */
export const secondSteps: number[] = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  ...clock,
  ...[2, 5, 10, 20, 50, 100, 200, 500].map((days) => days * 86_400),
]

/** Steps of an axis of bytes: 1 KiB, 2 KiB, 4 KiB, … */
export const binarySteps: number[] = Array.from({ length: 51 }, (_, power) => 2 ** power)
