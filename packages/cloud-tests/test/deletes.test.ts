import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { manifestOf, stateOf } from "./faults/operations.js"

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("deletes half way, $name", ({ cloud }) => {
  // Manifests go first, then states: one batch of each, or three requests of each where a request removes one object.
  const each = cloud.name === "gcs" ? 3 : 1

  test.each([503, 403])("manifests go, states are answered %i: reported, and collected later", async (status) => {
    await using at = await ProxiedBucket.create(cloud)
    const store = await at.open()
    for (const id of [1, 2, 3, 4]) await store.save(manifestOf(id), { state: stateOf(id) })
    const isDelete = (request: Parameters<typeof cloud.see>[0]) => cloud.see(request).kind === "delete"
    at.proxy.inject({ when: isDelete, skip: each, fault: { kind: "status", status } })
    const report = await store.prune({ last: 1 })
    expect(report.removed).toEqual([])
    expect(report.failures.map(({ key }) => key).sort()).toEqual(
      [1, 2, 3].map((id) => `checkpoints/state-00000${id}.bin`),
    )
    at.proxy.clear()
    expect(await store.ids()).toEqual([4])
    const orphans = await store.collectOrphans({ olderThanMs: 0 })
    expect(orphans.failures).toEqual([])
    expect((await store.recover()).checkpoint?.id).toBe(4)
  })

  test.each([503, 403])(
    "manifests are answered %i: no state goes, so that none stands without its state",
    async (status) => {
      await using at = await ProxiedBucket.create(cloud)
      const store = await at.open()
      for (const id of [1, 2, 3, 4]) await store.save(manifestOf(id), { state: stateOf(id) })
      at.proxy.inject({ when: (request) => cloud.see(request).kind === "delete", fault: { kind: "status", status } })
      const report = await store.prune({ last: 1 })
      expect(report.removed).toEqual([])
      expect(report.failures.map(({ key }) => key).sort()).toEqual(
        [1, 2, 3].map((id) => `manifests/manifest-00000${id}.json`),
      )
      at.proxy.clear()
      expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1, 2, 3], failures: [] })
    },
  )
})
