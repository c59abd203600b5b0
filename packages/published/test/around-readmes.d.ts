// What the programs of the READMEs take from around them. `import()` keeps this a file without imports, so that it is global.

declare const store: import("@ckpt/core").CheckpointStore
declare const from: import("@ckpt/core").CheckpointStore
declare const to: import("@ckpt/core").CheckpointStore
declare const backend: import("@ckpt/core").ObjectBackend
declare const MyBackend: new (place?: unknown) => import("@ckpt/core").ObjectBackend
declare const createCheckpointer: typeof import("@ckpt/core").createCheckpointer
declare const copyStore: typeof import("@ckpt/core").copyStore
declare const openCheckpointStore: typeof import("@ckpt/core").openCheckpointStore
declare const openAzureStore: typeof import("@ckpt/azure").openAzureStore
declare const openS3Store: typeof import("@ckpt/s3").openS3Store

// A job of the reader's own.
declare const bytes: Uint8Array
declare const first: Uint8Array
declare const second: Uint8Array
declare const state: Uint8Array
declare const window: Record<string, number>
declare const offset: number
declare const records: AsyncIterable<string>
declare function handle(record: string): void
declare function addTo(table: Map<string, number>, chunk: Uint8Array): void
declare function startFresh(): { table: Map<string, number>; offsets: Record<string, string> | undefined }
declare function log(...told: unknown[]): void
declare const bar: { update(bytesDone: number, bytesTotal: number | undefined): void }
declare const sink: {
  prepare(name: string, output: Uint8Array): Promise<void>
  publish(name: string): Promise<void>
}
declare function jobHasEnded(): Promise<void>
declare function nextOutput(): Promise<{ name: string; output: Uint8Array; state: Uint8Array }>

// The place of a storage's tests.
declare function removeAll(prefix: string): Promise<void>
declare function createEmptyPlace(): { remove(): Promise<void> }
