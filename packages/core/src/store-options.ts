import type { Clock } from "./async/clock.js"
import { CheckpointError } from "./errors.js"
import type { StoreEvent } from "./events.js"
import type { LayoutName } from "./format/layout.js"
import { DEFAULT_VNODE_COUNT } from "./format/manifest/model.js"
import { checkOptions } from "./input/check-options.js"
import {
  aBoolean,
  aFunction,
  aSignal,
  aString,
  group,
  oneOf,
  type Shape,
  type ShapeOf,
  wholeNumber,
  withMethods,
} from "./input/kinds.js"
import { assertRules, policyShape, type RetentionPolicy } from "./retention/policy.js"
import { aRetry, aTimeout, type RetryOptions } from "./storage/retry.js"

/** The options of every store; each storage package adds its own. */
export interface StoreOptions {
  /**
   * How keys are made. Default `"objects"`; `openFsStore`: `"directory"`. It must stay the same for the life of a
   * store: `recover` rejects with `CKPT_INVALID` if it finds checkpoints of the other layout alone.
   */
  layout?: LayoutName | undefined
  /** Put before every key: segments, such as "team/job-1/". Up to 960 bytes. Default: none. */
  prefix?: string | undefined
  /** Which checkpoints stay after each save. Default: all. */
  retain?: RetentionPolicy | undefined
  /** Values that a manifest of this job should have. A manifest with another value gets a warning, and stays valid. */
  expect?:
    | {
        /** Virtual partitions of the job, from 1 to 65,535. Default 256. */
        vnodeCount?: number | undefined
      }
    | undefined
  /** Refuse every operation that would write, with `CKPT_READ_ONLY`. Default false. */
  readOnly?: boolean | undefined
  /** How often a failed request is made again, and after which waits. */
  retry?: RetryOptions | undefined
  /**
   * Milliseconds after which an attempt of a request, or a body that stands still, is given up. Default 30,000;
   * `openFsStore`: 300,000. A request that carries bytes to the storage has one second more for each 128 KiB, so a line
   * slower than 1 Mbit/s is treated as dead.
   */
  timeoutMs?: number | undefined
  /** Called with each event. Its errors are ignored. */
  onEvent?: ((event: StoreEvent) => void) | undefined
  /** The store's time, for tests. Default: the machine's. */
  clock?: Clock | undefined
  /** Gives numbers from 0 to below 1, for the jitter of waits; for tests. Default: `Math.random`. */
  random?: (() => number) | undefined
}

/** For a function that opens a store: with `claim: true` it also claims the store, as `claim()` does, and gives the leader. */
export interface ClaimAtOnce<Claim extends boolean | undefined = boolean | undefined> {
  /** Claim at once. There is one store to close: the leader, which closes what it came from. Default false. */
  claim?: Claim
  /**
   * Beside `claim`. When it is aborted, the opening rejects with the signal's reason at once, and everything is closed behind it. Once the
   * store is open, it has no meaning.
   */
  signal?: AbortSignal | undefined
}

/** The kinds of {@link StoreOptions}. */
export const storeShape: ShapeOf<StoreOptions & ClaimAtOnce> = {
  fields: {
    layout: oneOf("directory", "objects"),
    prefix: aString,
    retain: group(policyShape),
    expect: group({
      fields: { vnodeCount: wholeNumber(1, 65_535) },
      example: `an object such as { vnodeCount: ${DEFAULT_VNODE_COUNT} }`,
    }),
    readOnly: aBoolean,
    retry: aRetry,
    timeoutMs: aTimeout,
    onEvent: aFunction,
    clock: withMethods(["now", "monotonic", "sleep"], "an object with now(), monotonic() and sleep()"),
    random: aFunction,
    claim: aBoolean,
    signal: aSignal,
  },
}

/**
 * Checks the options of a function that opens a store. To be called first: nothing may be opened for options that cannot be
 * used.
 *
 * @param own the options that the function takes beside {@link StoreOptions}
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function checkStoreOptions(what: string, options: (StoreOptions & ClaimAtOnce) | undefined, own: Shape): void {
  const { fields, ...rest } = own
  checkOptions(what, options, { ...rest, fields: { ...storeShape.fields, ...fields } })
  // It would pass for the signal of all calls, and end none of them.
  if (options?.signal !== undefined && options.claim === undefined) {
    const advice = "give it beside claim: true, or give each call its own"
    throw new CheckpointError(
      "CKPT_INVALID",
      `${what}: signal ends the claim of an opening, and none is made; ${advice}.`,
    )
  }
  if (options?.retain !== undefined) assertRules(what, options.retain)
}
