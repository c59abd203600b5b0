// The program of docs/operations.md is compiled, as a stranger would who copies it, and runs beside the SDK of OpenTelemetry.
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import ts from "typescript-lowest"
import { expect, test } from "vitest"
import { repository } from "./public-packages.js"

const job = `
import { metrics, trace } from "@opentelemetry/api"
import * as measures from "@opentelemetry/sdk-metrics"
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { createManifest, openFsStore } from "@ckpt/fs"

const spans = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
const exporter = new measures.InMemoryMetricExporter(measures.AggregationTemporality.CUMULATIVE)
const reader = new measures.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
metrics.setGlobalMeterProvider(new measures.MeterProvider({ readers: [reader] }))
const { countEvent } = await import("./telemetry.mjs")

const store = await openFsStore("data", { onEvent: countEvent })
await store.saveNext({}, { state: Buffer.from("12345") })
await store.saveNext({})
const taken = await store.save(createManifest({ checkpointId: 1, epoch: 9 })).catch((error) => error)
await store.recover()
await store.close()
await reader.forceFlush()
const points = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
console.log(JSON.stringify({
  taken: taken.code,
  spans: spans.getFinishedSpans().map(({ name, attributes, status }) => ({ name, attributes, status: status.code })),
  metrics: points.map(({ descriptor, dataPoints }) => ({ name: descriptor.name, unit: descriptor.unit, dataPoints })),
}))
await reader.shutdown()
`

interface Told {
  taken: string
  spans: { name: string; attributes: Record<string, unknown>; status: number }[]
  metrics: { name: string; unit: string; dataPoints: { attributes: Record<string, unknown>; value: unknown }[] }[]
}

/** Writes the JavaScript of a file beside it. Gives what the compiler finds wrong. */
function compile(file: string): string[] {
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ["node"],
    typeRoots: [join(dirname(file), "node_modules/@types")],
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
  })
  program.emit()
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "))
}

test("the program of docs/operations.md makes spans and metrics of calls and events", async () => {
  const page = await readFile(join(repository, "docs/operations.md"), "utf8")
  const program = /^```ts\n([\s\S]*?)^```/m.exec(page)?.[1] ?? ""
  const folder = await mkdtemp(join(tmpdir(), "ckpt-telemetry-"))
  try {
    await symlink(fileURLToPath(new URL("../node_modules", import.meta.url)), join(folder, "node_modules"))
    await writeFile(join(folder, "telemetry.mts"), program)
    expect(compile(join(folder, "telemetry.mts"))).toEqual([])
    await writeFile(join(folder, "job.mjs"), job)
    const { stdout } = await promisify(execFile)(process.execPath, ["job.mjs"], { cwd: folder })
    const { taken, spans, metrics } = JSON.parse(stdout) as Told

    expect(taken).toBe("CKPT_CONFLICT")
    const [ok, error] = [0, 2] // of SpanStatusCode: UNSET, ERROR
    expect(spans).toEqual([
      { name: "ckpt.saveNext", attributes: { "ckpt.backend": "fs" }, status: ok },
      { name: "ckpt.save", attributes: { "ckpt.backend": "fs", "ckpt.id": 1, "ckpt.bytes": 5 }, status: ok },
      { name: "ckpt.saveNext", attributes: { "ckpt.backend": "fs" }, status: ok },
      { name: "ckpt.save", attributes: { "ckpt.backend": "fs", "ckpt.id": 2, "ckpt.bytes": 0 }, status: ok },
      {
        name: "ckpt.save",
        attributes: { "ckpt.backend": "fs", "ckpt.id": 1, "error.type": "CKPT_CONFLICT" },
        status: error,
      },
      { name: "ckpt.recover", attributes: { "ckpt.backend": "fs" }, status: ok },
    ])

    const points = (name: string) => metrics.find((metric) => metric.name === name)?.dataPoints ?? []
    const call = (operation: string, failed?: string) => {
      const attributes = { "ckpt.call": operation, "ckpt.backend": "fs", ...(failed && { "error.type": failed }) }
      return { attributes, value: expect.objectContaining({ sum: expect.any(Number) }) }
    }
    expect(points("ckpt.call.duration")).toEqual([
      expect.objectContaining(call("saveNext")),
      expect.objectContaining(call("save")),
      expect.objectContaining(call("save", "CKPT_CONFLICT")),
      expect.objectContaining(call("recover")),
    ])
    const counts = points("ckpt.events").map(({ attributes, value }) => [attributes["ckpt.event"], value])
    expect(Object.fromEntries(counts)).toEqual({ saved: 2, recovered: 1 })
    expect(points("ckpt.last_save.age").map(({ value }) => value)).toEqual([expect.any(Number)])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
