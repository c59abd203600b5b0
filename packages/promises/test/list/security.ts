import { cli, core, fs, type OnePromise } from "../promise.js"

const security = "SECURITY.md"

export const securityPromises: readonly OnePromise[] = [
  {
    says: "Bytes at rest are read only as far as they may go, and must be exact.",
    standsIn: [[security, "A manifest has 64 MiB at most, the history 16 MiB"]],
    checks: [
      {
        program: "no flipped bit and no lost field of a manifest passes",
        mutants: [
          core(
            "a manifest of ours needs no checksum",
            "format/manifest/decode",
            "if (own !== undefined)",
            "if (false)",
          ),
        ],
      },
      {
        program: "a manifest or a history beyond its limit is not read",
        mutants: [
          core(
            "objects of any size are read",
            "storage/reads",
            "const mayRead = (size) => size <= maxBytes && share?.take(size) !== false;",
            "const mayRead = (size) => share?.take(size) !== false;",
          ),
        ],
      },
    ],
  },
  {
    says: "No key leads out of the root, or takes a name of this package.",
    standsIn: [[security, "no key that holds `..`, a control character or a name of ours is made into a path"]],
    checks: [
      {
        program: "a key that leads out of the root, or has a name of this package, is refused",
        mutants: [
          fs("a key may climb", "files/paths", 'if (name === "." || name === "..")', "if (false)"),
          fs(
            "a key may have control characters",
            "files/paths",
            "if (/[\\u0000-\\u001f\\u007f]/.test(name))",
            "if (false)",
          ),
          fs(
            "a key may be a temporary name",
            "files/paths",
            "if (isTemporaryName(name))\n        return",
            "if (false)\n        return",
          ),
          fs("a key may be of the claims", "files/paths", "if (lower === claimsName)", "if (false)"),
          fs("a key may be the spare", "files/paths", "if (lower === spareName)", "if (false)"),
        ],
      },
    ],
  },
  {
    says: "Links, pipes, sockets and devices are not followed, not read, not replaced and not removed.",
    standsIn: [
      [security, "not followed, not opened for reading as a state, not replaced, not removed"],
      [
        "packages/fs/README.md",
        "A link, a pipe or\n  a device in the place of a checkpoint's file is damage of that checkpoint",
      ],
    ],
    checks: [
      {
        program: "a link in the place of a state is no state, and it and what it leads to stay",
        mutants: [
          fs("links are opened", "files/read-small-file", "(constants.O_NOFOLLOW ?? 0) |", ""),
          fs(
            "links are removed",
            "objects/delete",
            "if (!info.isFile() && !info.isDirectory())",
            "if (info.isSymbolicLink())\n            await root.files.unlink(path);\n        if (!info.isFile() && !info.isDirectory())",
          ),
        ],
      },
      {
        program: "a pipe in the place of a state keeps nobody waiting",
        mutants: [fs("a pipe's writer is waited for", "files/read-small-file", "| (constants.O_NONBLOCK ?? 0)", "")],
      },
    ],
  },
  {
    says: "Temporary names are random, and are made only if they are absent.",
    standsIn: [[security, 'random, and made with "create only if absent"']],
    checks: [
      {
        program: "temporary names are new each time, and are made only if they are absent",
        mutants: [
          fs(
            "a temporary name is written through",
            "files/new-file",
            'await files.open(path, "wx", 0o666)',
            'await files.open(path, "w", 0o666)',
          ),
          fs(
            "temporary names are known beforehand",
            "files/paths",
            'randomUUID().replaceAll("-", "").slice(16)',
            '"0123456789abcdef"',
          ),
        ],
      },
    ],
  },
  {
    says: "No message has a credential, and none is taken from a URL.",
    standsIn: [
      [security, "Credentials are in no message, no event and no file of this library"],
      ["packages/cli/README.md", "Credentials are in a file or the environment, never in the URL, and in no message"],
    ],
    checks: [
      {
        program: "no message has a credential",
        mutants: [
          core("a URL may have a password", "adapter/url", "if (/^\\/\\/[^/]*@/.test(", "if ((() => false)("),
          cli(
            "the parser's message tells the text",
            "stores/credentials",
            'cause instanceof SyntaxError ? "is no JSON" :',
            "false ? undefined :",
          ),
        ],
      },
    ],
  },
  {
    says: "The library runs no code that it finds, and asks no address but the storage's.",
    standsIn: [
      [
        security,
        "The library runs no code that it finds in a storage, makes no request to any address but the storage's",
      ],
    ],
    checks: [
      {
        program: "the library imports nothing that runs what it finds, or asks another address",
        mutants: [
          fs(
            "the network is imported",
            "objects/put",
            'import { dirname } from "node:path";',
            'import { dirname } from "node:path";\nimport "node:net";',
          ),
          core(
            "text is run",
            "format/json",
            "export class JsonError",
            'void (() => new Function(""));\nexport class JsonError',
          ),
        ],
      },
    ],
  },
  {
    says: "Nothing is written to the console but the one warning of a second writer.",
    standsIn: [[security, "writes nothing to the\nconsole but one warning of Node, `CKPT_SECOND_WRITER`"]],
    checks: [
      {
        program: "nothing is written to the console but one warning, where another process writes",
        mutants: [
          core("each store warns anew", "storage/other-writers", "if (warned.has(message))", "if (false)"),
          fs(
            "a process takes itself for another",
            "claim/writer-signs",
            'if (life !== "lives" && life !== "ended")',
            'if (life === "unknown")',
          ),
        ],
      },
    ],
  },
  {
    says: "No package has a script that runs when it is installed.",
    standsIn: [[security, "The packages have no install scripts"]],
    checks: [
      {
        program: "no package has a script that runs when it is installed",
        mutants: [
          cli(
            "a script runs after the install",
            "package.json",
            '"scripts": {',
            '"scripts": {\n    "postinstall": "node dist/bin.js",',
          ),
        ],
      },
    ],
  },
]
