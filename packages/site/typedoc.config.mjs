/** @type {import("typedoc").TypeDocOptions & import("typedoc-plugin-markdown").PluginOptions} */
export default {
  name: "API",
  tsconfig: "tsconfig.api.json",
  // The step `typecheck` does it.
  skipErrorChecking: true,
  entryPoints: [
    "../core/src/index.ts",
    "../core/src/adapter/index.ts",
    "../fs/src/index.ts",
    "../s3/src/index.ts",
    "../azure/src/index.ts",
    "../gcs/src/index.ts",
    "../memory/src/index.ts",
    "../langgraph/src/index.ts",
    "../conformance/src/index.ts",
  ],
  plugin: ["typedoc-plugin-markdown", "./src/module-names.mjs"],
  out: "api",
  router: "module",
  entryFileName: "README",
  readme: "none",
  // The storages export core again: it has one page.
  excludeReferences: true,
  excludePrivate: true,
  // The options of an SDK that a store takes too are told by the SDK.
  excludeExternals: true,
  disableSources: true,
  githubPages: false,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useHTMLAnchors: true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  validation: { invalidLink: true, invalidPath: true, notExported: true, rewrittenLink: true, notDocumented: false },
}
