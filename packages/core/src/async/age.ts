const plausibleMs = 5 * 365 * 24 * 60 * 60 * 1000

/**
 * Whether something is due by its age. Not if it seems to come from the future, nor if it is due for more than five years:
 * whatever is due goes soon after, so such an age tells of a clock that was wrong, when the object was written or now. Example:
 * while a clock is ten years ahead, everything seems ten years old.
 *
 * @param dueMs the age from which on it is due
 */
export function isDue(ageMs: number, dueMs: number): boolean {
  return ageMs >= dueMs && ageMs <= dueMs + plausibleMs
}
