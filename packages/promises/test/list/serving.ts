import { cli, type OnePromise } from "../promise.js"

const page = "docs/page.md"
const security = "SECURITY.md"

export const pagePromises: readonly OnePromise[] = [
  {
    says: "The page answers on 127.0.0.1, by its own names, and to whoever has its token.",
    standsIn: [
      [
        page,
        "The page listens on 127.0.0.1. Other users of the machine reach 127.0.0.1 too, so every request needs a token",
      ],
      [page, "A request for another name (`Host`), or from a page elsewhere (`Origin`), is refused"],
      [
        security,
        "checks Host and Origin, wants a token with each request, and listens on 127.0.0.1 unless `--host` says otherwise",
      ],
    ],
    checks: [
      {
        program: "ckpt serve answers on 127.0.0.1, by its own names, to whoever has the token",
        mutants: [
          cli(
            "any token will do",
            "page/gate",
            "if (shown === undefined || !isSame(shown, token))",
            "if (shown === undefined)",
          ),
          cli(
            "no token is needed",
            "page/gate",
            "if (shown === undefined || !isSame(shown, token))",
            "if (shown !== undefined && !isSame(shown, token))",
          ),
          cli(
            "the page has any name",
            "page/gate",
            "if (host === undefined || !isOurs(host.hostname)) {",
            "if (host === undefined) {",
          ),
          cli("a page elsewhere may ask", "page/gate", "if (!isSameOrigin(c, host)) {", "if (false) {"),
          cli(
            "the page listens elsewhere",
            "commands/serve",
            'needs --token", "127.0.0.1")',
            'needs --token", "127.0.0.2")',
          ),
        ],
      },
    ],
  },
  {
    says: "On an address that others reach, the page needs a token that was given.",
    standsIn: [[page, "`--host` chooses another address. It then needs a token of yours"]],
    checks: [
      {
        program: "ckpt serve on an address of others needs a token",
        mutants: [cli("every address passes for loopback", "page/serve", "if (isLoopback(host))", "if (true)")],
      },
    ],
  },
  {
    says: "The page loads nothing from elsewhere.",
    standsIn: [
      [page, "The page changes nothing, loads nothing from elsewhere, and works offline"],
      [security, "the page has a content security policy"],
    ],
    checks: [
      {
        program: "the page loads nothing from elsewhere",
        mutants: [
          cli("the page may load from everywhere", "page/app", "defaultSrc: [\"'none'\"],", 'defaultSrc: ["*"],'),
          cli(
            "the page may run what stands in it",
            "page/app",
            "scriptSrc: [\"'self'\"],",
            "scriptSrc: [\"'self'\", \"'unsafe-inline'\"],",
          ),
        ],
      },
    ],
  },
  {
    says: "The page changes nothing unless `--allow-writes` is given.",
    standsIn: [[page, "`--allow-writes` lets the page prune, remove, pin and unpin"]],
    checks: [
      {
        program: "the page changes nothing unless --allow-writes is given",
        mutants: [
          cli(
            "the page may change the store unasked",
            "commands/serve",
            '"the page may prune, remove, pin and unpin")',
            '"the page may prune, remove, pin and unpin", true)',
          ),
        ],
      },
    ],
  },
  {
    says: "A prune of the page removes what its preview showed, or nothing.",
    standsIn: [[page, "A prune removes what its preview showed; if the store has changed since, nothing is removed"]],
    checks: [
      {
        program: "the page removes what its preview showed, or nothing",
        mutants: [
          cli(
            "the page prunes whatever it showed",
            "page/routes/changes",
            "if (digestOf(removed) !== digest) {",
            "if (false) {",
          ),
        ],
      },
    ],
  },
  {
    says: "The page keeps the last checkpoint whose bytes verify.",
    standsIn: [
      [
        page,
        "the bytes of the latest checkpoint are read, and of the checkpoints\n  below it until one is sound. The sound checkpoint stays.",
      ],
    ],
    checks: [
      {
        program: "the page keeps the last checkpoint whose bytes verify",
        mutants: [
          cli(
            "the page reads no state before a removal",
            "page/routes/changes",
            "await readLatestSound(store);\n        return make",
            "return make",
          ),
        ],
      },
    ],
  },
]
