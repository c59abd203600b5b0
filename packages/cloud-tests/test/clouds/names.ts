let buckets = 0

/** A bucket name that no other test of this run uses. */
export function freshBucket(): string {
  return `t${process.pid}-${Date.now().toString(36)}-${++buckets}`
}
