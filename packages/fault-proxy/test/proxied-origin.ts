import { afterEach, beforeEach } from "vitest"
import { type FaultProxy, startFaultProxy } from "../src/index.js"
import { type Origin, startOrigin } from "./origin.js"

/** A server and a proxy in front of it, new for each test of the importing file. */
export let origin: Origin
export let proxy: FaultProxy

beforeEach(async () => {
  origin = await startOrigin()
  proxy = await startFaultProxy(origin.url)
})

afterEach(async () => {
  await proxy.stop()
  await origin.stop()
})
