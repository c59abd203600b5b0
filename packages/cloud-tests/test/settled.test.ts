import { createGate } from "@ckpt/fault-proxy"
import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { longState, manifestOf, stateOf } from "./faults/operations.js"

const stateKey = "checkpoints/state-000002.bin"
const manifestKey = "manifests/manifest-000002.json"

// After a lost answer the object may be our own or another's. The table of faults shows the first case, this the second.
describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))(
  "lost answers, another was first, $name",
  ({ cloud }) => {
    test.each([
      ["a state", "put", stateKey, stateOf(2)],
      ["a state in parts", "completion", stateKey, longState],
      ["a manifest", "put", manifestKey, stateOf(2)],
    ] as const)("create of %s: conflict, and the other's is untouched", async (_, kind, key, state) => {
      await using at = await ProxiedBucket.create(cloud)
      const store = await at.open()
      await store.save(manifestOf(1))
      await at.plant(key, "another's")
      at.proxy.inject({
        when: (request) => cloud.see(request).kind === kind && cloud.see(request).key === key,
        fault: { kind: "answer-lost" },
        times: 1,
      })
      await expect(store.save(manifestOf(2), { state })).rejects.toMatchObject({
        code: "CKPT_CONFLICT",
        checkpointId: 2,
      })
      await using backend = cloud.openBackend({ endpoint: cloud.endpoint, bucket: at.bucket })
      const content = await backend.get(key)
      const chunks: Uint8Array[] = []
      for await (const chunk of content?.body ?? []) chunks.push(chunk)
      expect(Buffer.concat(chunks).toString()).toBe("another's")
      expect(await store.nextId()).toBe(3)
    })

    test("swap of the pointer: it does not move back", async () => {
      await using at = await ProxiedBucket.create(cloud)
      const store = await at.open()
      const other = await at.openDirect()
      await store.save(manifestOf(1))
      await other.save(manifestOf(7))
      at.proxy.inject({
        when: (request) => cloud.see(request).kind === "put" && cloud.see(request).key === "manifests/latest.json",
        fault: { kind: "answer-lost" },
      })
      expect(await store.save(manifestOf(2))).toMatchObject({ outcome: "created", isLatest: false })
      expect((await other.loadLatest())?.checkpointId).toBe(7)
    })

    test("a delayed create that arrives after another's: refused, never overwritten", async () => {
      await using at = await ProxiedBucket.create(cloud)
      const store = await at.open()
      const other = await at.openDirect()
      await store.save(manifestOf(1))
      const gate = createGate()
      at.proxy.inject({
        when: (request) => cloud.see(request).kind === "put" && cloud.see(request).key === manifestKey,
        fault: { kind: "hold", until: gate },
        times: 1,
      })
      const late = store.save({ ...manifestOf(2), epoch: 99 })
      late.catch(() => {})
      await gate.reached
      await other.save(manifestOf(2))
      gate.release()
      await expect(late).rejects.toMatchObject({ code: "CKPT_CONFLICT" })
      expect((await other.load(2))?.epoch).toBe(2)
    })
  },
)
