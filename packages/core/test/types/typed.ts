/** Statements for the compiler alone: they are never run, so they need no store. */
export function typed(_statements: () => unknown): void {}
