import { join } from "node:path"
import { checkFixture, checkWritten, readFixtures } from "@ckpt/conformance"
import { openAzureStore } from "../src/index.js"
import { azureAccount, newContainer, openBackend, test } from "./storage.js"

const all = await readFixtures(join(import.meta.dirname, "../../core/test/fixtures/laminardb"))
const fixtures = all.filter(({ layout }) => layout === "objects")

test.each(fixtures)("$name is read as the reference reads it", async (fixture) => {
  const container = await newContainer()
  const backend = await openBackend(container.containerName)
  for (const [key, bytes] of fixture.files) await backend.put(key, [bytes])
  const store = await openAzureStore({
    container: container.containerName,
    connectionString: azureAccount().connectionString,
  })
  await checkFixture(fixture, store)
  await store.close()
  await container[Symbol.asyncDispose]()
})

test.each(fixtures.filter(({ name }) => name.startsWith("basic")))(
  "what is written is what the reference writes",
  async (fixture) => {
    const container = await newContainer()
    const store = await openAzureStore({ container: container.containerName, client: container })
    await checkWritten(
      fixture,
      store,
      async (key) => new Uint8Array(await container.getBlobClient(key).downloadToBuffer()),
    )
    await store.close()
    await container[Symbol.asyncDispose]()
  },
)
