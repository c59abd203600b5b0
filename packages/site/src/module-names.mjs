// A plugin of typedoc: modules have the names by which they are imported, such as @ckpt/core/adapter.
import { Converter, ReflectionKind } from "typedoc"

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      module.name = `@ckpt/${module.name.replace(/(^|\/)src(?=\/|$)/, "").replace(/\/index$/, "")}`
    }
  })
}
