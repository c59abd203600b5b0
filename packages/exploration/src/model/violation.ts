/** Something that must always hold did not hold. */
export class Violation extends Error {}
