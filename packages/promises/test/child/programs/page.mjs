// Checks of promises of the page that `ckpt serve` shows.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { request } from "node:http"
import { ckpt, commandOf, damage, inFolder, opened, state } from "./support.mjs"

/** @typedef {import("./support.mjs").Variants} Variants */

/**
 * A page of a store, until `use` has ended.
 *
 * @param {Variants} variants
 * @param {string[]} flags
 * @param {(page: { origin: string, token: string, slug: string }) => Promise<void>} use
 * @param {string} root
 */
async function serving(variants, root, flags, use) {
  const { file, args } = commandOf(variants, "serve", `file:${root}`, "--port", "0", "--json", ...flags)
  const serve = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] })
  const ended = new Promise((resolve) => serve.once("exit", resolve))
  try {
    const line = await Promise.race([
      new Promise((resolve) => serve.stdout.once("data", resolve)),
      ended.then(() => assert.fail("it does not serve")),
    ])
    const { origin, searchParams } = new URL(JSON.parse(String(line)).url)
    const page = { origin, token: searchParams.get("token") ?? "", slug: "" }
    const home = await ask(`${origin}/`, { authorization: `Bearer ${page.token}` })
    await use({ ...page, slug: home.headers.location ?? "" })
  } finally {
    serve.kill("SIGTERM")
    await ended
  }
}

/**
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {Record<string, string>} [form] sent by POST
 * @returns {Promise<{ status: number | undefined, headers: import("node:http").IncomingHttpHeaders, body: string }>}
 */
function ask(url, headers, form) {
  return new Promise((resolve, reject) => {
    const type = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }
    const asked = request(url, {
      method: form === undefined ? "GET" : "POST",
      headers: { ...type, ...headers },
      agent: false,
    })
    asked.on("error", reject)
    asked.on("response", (answer) => {
      let body = ""
      answer.setEncoding("utf8").on("data", (text) => (body += text))
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
    })
    asked.end(form && new URLSearchParams(form).toString())
  })
}

/** @type {Record<string, (variants: Variants) => Promise<void>>} */
export const pagePrograms = {
  "ckpt serve answers on 127.0.0.1, by its own names, to whoever has the token": (variants) =>
    inFolder(async (root) => {
      await (await opened(root)).saveNext({}, { state: state() })
      await serving(variants, root, [], async ({ origin, token, slug }) => {
        assert.equal(new URL(origin).hostname, "127.0.0.1")
        const bearer = { authorization: `Bearer ${token}` }
        const statuses = []
        for (const headers of [bearer, {}, { authorization: "Bearer wrong" }, { ...bearer, host: "evil.example" }]) {
          statuses.push((await ask(`${origin}${slug}`, headers)).status)
        }
        assert.deepEqual(statuses, [200, 401, 401, 421])
        const foreign = { ...bearer, origin: "http://evil.example" }
        assert.equal((await ask(`${origin}${slug}verify`, foreign, { which: "all" })).status, 403)
      })
    }),

  "ckpt serve on an address of others needs a token": async (variants) => {
    const { code, stderr } = await ckpt(variants, "serve", "file:/nowhere", "--host", "192.0.2.1", "--port", "0")
    assert.deepEqual([code, /--token/.test(stderr)], [2, true])
  },

  "the page loads nothing from elsewhere": (variants) =>
    inFolder(async (root) => {
      await (await opened(root)).saveNext({}, { state: state() })
      await serving(variants, root, [], async ({ origin, token, slug }) => {
        const { headers, body } = await ask(`${origin}${slug}`, { authorization: `Bearer ${token}` })
        const policy = String(headers["content-security-policy"])
        assert.match(policy, /default-src 'none'/)
        assert.match(policy, /script-src 'self'/)
        assert.doesNotMatch(policy, /\*|https?:|unsafe/)
        const addresses = [...body.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, address]) => address)
        assert.ok(addresses.length > 3)
        assert.deepEqual(
          addresses.filter((address) => !/^[/?#]/.test(address ?? "")),
          [],
        )
      })
    }),

  "the page changes nothing unless --allow-writes is given": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await serving(variants, root, [], async ({ origin, token, slug }) => {
        const bearer = { authorization: `Bearer ${token}` }
        assert.equal((await ask(`${origin}${slug}c/1/remove`, bearer, {})).status, 403)
        assert.equal((await ask(`${origin}${slug}c/1/pin`, bearer, { name: "a" })).status, 403)
      })
      assert.deepEqual([await store.ids(), await store.pins()], [[1, 2], []])
    }),

  "the page removes what its preview showed, or nothing": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await serving(variants, root, ["--allow-writes"], async ({ origin, token, slug }) => {
        const bearer = { authorization: `Bearer ${token}` }
        const { body } = await ask(`${origin}${slug}prune?last=1`, { ...bearer, accept: "text/html" })
        const [, digest = ""] = /name="digest" value="([^"]+)"/.exec(body) ?? []
        assert.notEqual(digest, "", "the preview has no digest")
        await store.saveNext({}, { state: state() })
        const late = await ask(`${origin}${slug}prune`, bearer, { last: "1", digest })
        assert.match(late.body, /Nothing was removed/)
        assert.deepEqual(await store.ids(), [1, 2, 3])
      })
    }),

  "the page keeps the last checkpoint whose bytes verify": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await damage(root, 2)
      await serving(variants, root, ["--allow-writes"], async ({ origin, token, slug }) => {
        await ask(`${origin}${slug}c/1/remove`, { authorization: `Bearer ${token}` }, {})
      })
      assert.equal((await store.recover()).outcome, "recovered")
    }),
}
