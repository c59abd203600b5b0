import { once } from "node:events"
import { afterEach, describe, expect, it } from "vitest"
import { type GcsServer, startGcsServer } from "../src/index.js"
import { clients, openBucket, rejection, stopAll } from "./support/clients.js"

const servers: GcsServer[] = []
afterEach(() => stopAll(servers))

async function start(): Promise<GcsServer> {
  const server = await startGcsServer()
  servers.push(server)
  return server
}

describe.each(clients)("preconditions through version $major of the client", ({ major, Client }) => {
  it("412 of a simple upload is an ApiError with code and reason", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    await bucket.file("key").save("first")
    const error = await rejection(
      bucket.file("key").save("second", { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }),
    )
    expect(error).toMatchObject({
      code: 412,
      message: "At least one of the pre-conditions you specified did not hold.",
      errors: [{ reason: "conditionNotMet", domain: "global", location: "If-Match" }],
    })
    expect((error as Error).constructor.name).toBe("ApiError")
    expect(String(await bucket.file("key").download())).toBe("first")
  })

  it("412 at the start of a resumable upload is a GaxiosError with a status", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    await bucket.file("key").save("first")
    const error = await rejection(bucket.file("key").save("second", { preconditionOpts: { ifGenerationMatch: 0 } }))
    expect((error as Error).constructor.name).toBe("GaxiosError")
    expect(error).toMatchObject({ status: 412 })
    if (major === 7) expect((error as { code?: unknown }).code).toBeUndefined()
  })

  it("412 at the end of a resumable upload is a plain object", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const file = bucket.file("key")
    const stream = file.createWriteStream({ preconditionOpts: { ifGenerationMatch: 0 } })
    const failed = rejection(once(stream, "finish"))
    const session = once(stream, "uri")
    stream.write("loser")
    await session
    expect(await bucket.file("key").exists()).toEqual([false])
    await bucket.file("key").save("winner", { resumable: false })
    stream.end()
    const error = await failed
    expect(error).not.toBeInstanceOf(Error)
    expect(error).toMatchObject({ code: 412, errors: [{ reason: "conditionNotMet" }] })
    expect(String(await file.download())).toBe("winner")
  })

  it.each([true, false])("of 32 racing creators exactly one wins (resumable: %s)", async (resumable) => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const race = await Promise.allSettled(
      Array.from({ length: 32 }, (_, i) =>
        bucket.file("key").save(`writer ${i}`, { resumable, preconditionOpts: { ifGenerationMatch: 0 } }),
      ),
    )
    const winner = race.findIndex(({ status }) => status === "fulfilled")
    expect(race.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
    expect(String(await bucket.file("key").download())).toBe(`writer ${winner}`)
  })

  it("compare-and-swap: the generation rises with every write, and counters add up", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    await bucket.file("counter").save("0")
    let swaps = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let done = 0; done < 5; ) {
          const file = bucket.file("counter")
          const [metadata] = await file.getMetadata()
          const generation = Number(metadata.generation)
          const [value] = await bucket
            .file("counter", { generation })
            .download()
            .catch(() => [undefined])
          if (value === undefined) continue
          const swap = file.save(String(Number(value) + 1), {
            resumable: false,
            preconditionOpts: { ifGenerationMatch: generation },
          })
          const won = await swap.then(
            () => true,
            (error) => {
              expect(error.code).toBe(412)
              return false
            },
          )
          if (won) done++
          if (won) swaps++
        }
      }),
    )
    expect(swaps).toBe(40)
    expect(String(await bucket.file("counter").download())).toBe("40")
  })

  it("delete and setMetadata hold to the generation and the metageneration", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const file = bucket.file("key")
    await file.save("first")
    const generation = Number((await file.getMetadata())[0].generation)
    await file.save("second")
    await expect(file.delete({ ifGenerationMatch: generation })).rejects.toMatchObject({ code: 412 })
    await expect(file.delete({ ifMetagenerationMatch: 2 })).rejects.toMatchObject({ code: 412 })
    const [changed] = await file.setMetadata({ metadata: { a: "1" } }, { ifMetagenerationMatch: 1 })
    expect(changed).toMatchObject({ metageneration: "2", metadata: { a: "1" } })
    const stale = file.setMetadata({ metadata: { a: "2" } }, { ifMetagenerationMatch: 1 })
    await expect(stale).rejects.toMatchObject({ code: 412 })
    await file.delete({ ifMetagenerationMatch: 2 })
    expect(await file.exists()).toEqual([false])
  })
})
