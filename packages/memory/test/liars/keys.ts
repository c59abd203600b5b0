import type { ObjectBackend } from "@ckpt/core"
import { inOrder, isRange } from "@ckpt/core/adapter"
import { listAll } from "../mutants/support.js"
import type { Liar } from "./support.js"

/** Keys change on their way to the storage, and the listing shows the keys as they were given. */
export const naming =
  (name: (key: string) => string) =>
  (real: ObjectBackend): Partial<ObjectBackend> => {
    const given = new Map<string, string>()
    const told = <T extends { key: string }>(meta: T): T => ({ ...meta, key: given.get(meta.key) ?? meta.key })
    const named = (key: string) => {
      const changed = name(key)
      given.set(changed, key)
      return changed
    }
    return {
      put: async (key, body, options) => ({ ...(await real.put(named(key), body, options)), key }),
      async get(key, options) {
        const content = await real.get(name(key), options)
        return content && { ...content, meta: { ...content.meta, key } }
      },
      async head(key, options) {
        const meta = await real.head(name(key), options)
        return meta && { ...meta, key }
      },
      async *list(prefix, options = {}) {
        const all = (await listAll(real, "", { signal: options.signal })).map(told)
        const shown = all.filter(({ key }) => key.startsWith(prefix))
        yield* isRange(options) ? await inOrder(shown, options) : shown
      },
      delete: (keys, options) => real.delete(keys.map(name), options),
    }
  }

/** Two keys are one object, or a key goes elsewhere. */
export const keyLiars: readonly Liar[] = [
  {
    name: "keys are lower case",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: naming((key) => key.toLowerCase()),
  },
  {
    name: "keys are normalised (NFC)",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.normalize("NFC")),
  },
  {
    name: "keys are normalised (NFKC)",
    caughtBy: ["list: keys of every plane and length are listed in pages, each once"],
    of: naming((key) => key.normalize("NFKC")),
  },
  {
    name: "keys are trimmed",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.trim()),
  },
  {
    name: "dots and spaces at the end of a name are dropped",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.replace(/[. ]+(?=\/|$)/g, "")),
  },
  {
    name: "keys are decoded as parts of a URL",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: naming((key) =>
      key.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
  },
  {
    name: "keys are cut at a question mark",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.split("?", 1)[0]!),
  },
  {
    name: "keys are cut at a number sign",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.split("#", 1)[0]!),
  },
  {
    name: "a plus sign in a key is a space",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: naming((key) => key.replaceAll("+", " ")),
  },
  {
    name: "keys are cut after 100 characters",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.slice(0, 100)),
  },
  {
    name: "keys are cut after 255 characters",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.slice(0, 255)),
  },
  {
    name: "keys are the last 64 characters",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.slice(-64)),
  },
  {
    name: "names that are numbers are compared as numbers",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) =>
      key
        .split("/")
        .map((name) => (/^\d+$/.test(name) ? String(Number(name)) : name))
        .join("/"),
    ),
  },
  {
    name: "a folder's name is not part of a key",
    caughtBy: ["list: a prefix is plain text, not a folder"],
    of: naming((key) => key.slice(key.lastIndexOf("/") + 1)),
  },
  {
    name: "repeated separators of a name are one (-- and __)",
    caughtBy: ["list: keys that a pattern, a parser or a normal form may take for one are two"],
    of: naming((key) => key.replace(/([-_])\1+/g, "$1")),
  },
  {
    name: "slashes become underscores",
    caughtBy: ["commit: 24 commits at once all reach the pointer"],
    of: naming((key) => key.replaceAll("/", "_")),
  },
  {
    name: "characters outside the first plane become question marks",
    caughtBy: ["list: keys of every plane and length are listed in pages, each once"],
    of: naming((key) => key.replace(/[\u{10000}-\u{10ffff}]/gu, "?")),
  },
  {
    name: "characters outside Latin-1 become question marks",
    caughtBy: ["list: keys of every plane and length are listed in pages, each once"],
    of: naming((key) => key.replace(/[^\u0000-\u00ff]/gu, "?")),
  },
  {
    name: "an object called __proto__ is no object",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: (real) => ({
      head: async (key, options) => (key.endsWith("__proto__") ? undefined : real.head(key, options)),
      get: async (key, options) => (key.endsWith("__proto__") ? undefined : real.get(key, options)),
    }),
  },
  {
    name: "an object called constructor is always there",
    caughtBy: ["list: odd keys are listed, read and deleted as they are"],
    of: (real) => ({
      put: (key, body, options) =>
        real.put(
          key,
          body,
          options?.when === "absent" && key.endsWith("constructor") ? { ...options, when: { version: "" } } : options,
        ),
    }),
  },
]
