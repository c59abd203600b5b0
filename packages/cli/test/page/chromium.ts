import { findChromium } from "@ckpt/test-servers"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    chromium: string | undefined
  }
}

export default async function setup(project: TestProject): Promise<void> {
  project.provide("chromium", await findChromium())
}
