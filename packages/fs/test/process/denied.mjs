// What every operation says as a user with few rights: denied.mjs <uid>, then a JSON array of roots on its input
import { readFileSync } from "node:fs"
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf } from "./workload.mjs"

const uid = Number(process.argv[2])
if (process.getuid() !== uid) {
  process.setgroups([])
  process.setgid(uid)
  process.setuid(uid)
}

const answers = []
for (const root of JSON.parse(readFileSync(0, "utf8"))) {
  const answer = {}
  const ask = async (name, question) => {
    const store = await openFsStore(root, { retry: { attempts: 1 } })
    answer[name] = await question(store).then(
      (value) => ({ value }),
      (error) => ({ name: error.name, code: error.code, message: error.message, retryable: error.retryable }),
    )
    await store.close()
  }
  await ask("recover", async (store) => {
    const { outcome, checkpoint, nextId } = await store.recover()
    return { outcome, id: checkpoint?.id, nextId }
  })
  await ask("loadLatest", async (store) => (await store.loadLatest())?.checkpointId)
  await ask("ids", (store) => store.ids())
  await ask("nextId", (store) => store.nextId())
  await ask("list", async (store) => {
    const all = []
    for await (const { id, valid } of store.list()) all.push({ id, valid })
    return all
  })
  await ask("save", (store) => store.save(manifestOf(9), contentsOf(9)))
  await ask("update", (store) => store.update(2, (current) => ({ ...current, watermark: 5n })).then(() => "updated"))
  await ask("prune", async (store) => {
    const { removed, failures } = await store.prune({ last: 1 })
    return { removed, failures: failures.map(({ error }) => error.message) }
  })
  await ask("collectOrphans", async (store) => {
    const { removed, failures } = await store.collectOrphans({ olderThanMs: 0 })
    return { removed, failures: failures.map(({ error }) => error.message) }
  })
  answers.push(answer)
}
console.log(JSON.stringify(answers))
