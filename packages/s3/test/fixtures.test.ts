import { join } from "node:path"
import { checkFixture, checkWritten, readFixtures } from "@ckpt/conformance"
import { describe, test } from "vitest"
import { openCheckpointStore, S3Backend } from "../src/index.js"
import { hasServer, newBucket, serverClient } from "./storage.js"

const fixtures = (await readFixtures(join(import.meta.dirname, "../../core/test/fixtures/laminardb"))).filter(
  ({ layout }) => layout === "objects",
)

describe.runIf(hasServer)("stores that the reference wrote", () => {
  test.each(fixtures)("$name is read as the reference reads it", async (fixture) => {
    const backend = new S3Backend({ client: serverClient(), bucket: await newBucket(), ownsClient: true })
    await Promise.all([...fixture.files].map(([key, bytes]) => backend.put(key, [bytes])))
    const store = await openCheckpointStore({ backend, ownsBackend: true })
    await checkFixture(fixture, store)
    await store.close()
  })

  test.each(fixtures.filter(({ name }) => name.startsWith("basic")))("$name is written alike", async (fixture) => {
    const backend = new S3Backend({ client: serverClient(), bucket: await newBucket(), ownsClient: true })
    const store = await openCheckpointStore({ backend, ownsBackend: true })
    await checkWritten(fixture, store, async (key) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of (await backend.get(key))?.body ?? []) chunks.push(chunk)
      return new Uint8Array(Buffer.concat(chunks))
    })
    await store.close()
  })
})
