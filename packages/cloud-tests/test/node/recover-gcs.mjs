// Recovers from a bucket, with a client as an application would have it. Arguments: package of the client ("own": none is
// given), endpoint, bucket. An error that nobody caught ends the process with a code of its own.
import { openGcsStore } from "@ckpt/gcs"

const [client, apiEndpoint, bucket] = process.argv.slice(2)
const connection = { apiEndpoint, projectId: "test" }
const { Storage } = client === "own" ? {} : await import(client)
const store = await openGcsStore({
  bucket,
  retry: { minDelayMs: 1, maxDelayMs: 2 },
  ...(Storage === undefined ? connection : { client: new Storage(connection) }),
})
const found = await store.recover()
const state = await (await found.checkpoint?.state())?.bytes()
await store.close()
console.log(`${process.version} ${found.outcome} ${found.checkpoint?.id} ${Buffer.from(state ?? []).toString()}`)
