import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { describe, expect, inject, test, vi } from "vitest"
import { descendants, kill, listeningAddresses, type Process, runProgram, stillThere } from "./processes.js"

const loopback = /^(0100007F|0+1000000|0000000000000000FFFF00000100007F):/

// Only for servers that are started here: a server that the environment names lives on.
const cases = [
  {
    name: "s3",
    override: "CKPT_TEST_S3_ENDPOINT",
    processes: ["ceph-mon -i a -f", "ceph-osd -i 0 -f", "radosgw"],
    ports: 3,
  },
  { name: "azure", override: "CKPT_TEST_AZURE_CONNECTION_STRING", processes: ["azurite"], ports: 1 },
] as const
const started = cases.filter(({ name, override }) => inject(name) !== undefined && !process.env[override])

/** The data folder that the command lines of a cluster name. */
const dataFolders = (processes: readonly Process[]): string[] => [
  ...new Set(processes.flatMap(({ command }) => command.match(/\S*\/ckpt-ceph-\w+/g) ?? [])),
]

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8")

describe.each(started)("$name", ({ name, processes, ports }) => {
  async function start(): Promise<{ starter: ReturnType<typeof runProgram>; started: Process[] }> {
    const starter = runProgram("starter.mjs", name)
    await starter.line()
    return { starter, started: descendants(starter.pid) }
  }

  function expectNothingLeft(started: readonly Process[]): void {
    expect(stillThere(started)).toEqual([])
    expect(dataFolders(started).filter((folder) => existsSync(folder))).toEqual([])
    expect(mounts()).not.toMatch(/ckpt-/)
  }

  test("runs on loopback, in processes of its own", async () => {
    const { started } = await start()
    const commands = started.map(({ command }) => command).join("\n")
    for (const process of processes) expect(commands).toContain(process)
    if (name === "s3") expect(dataFolders(started)).toHaveLength(1)
    const addresses = listeningAddresses(started)
    expect(addresses.length).toBeGreaterThanOrEqual(ports)
    for (const address of addresses) expect(address).toMatch(loopback)
    expect(mounts()).not.toMatch(/ckpt-/)
  })

  test("leaves nothing when it is stopped", async () => {
    const { starter, started } = await start()
    starter.child.stdin.write("stop\n")
    expect(await starter.line()).toBe("stopped")
    expectNothingLeft(started)
  })

  test("leaves nothing when its starter is killed", async () => {
    const { starter, started } = await start()
    await kill(starter.child)
    await vi.waitFor(() => expectNothingLeft(started), { timeout: 20_000, interval: 20 })
  })

  test("leaves nothing when its starter is killed while it starts", async () => {
    const starter = runProgram("starter.mjs", name)
    const seen = () => descendants(starter.pid)
    const first = () => seen().some(({ command }) => command.includes(processes[0]))
    await vi.waitFor(() => expect(first()).toBe(true), { timeout: 30_000, interval: 5 })
    const started = seen()
    await kill(starter.child)
    await vi.waitFor(() => expectNothingLeft(started), { timeout: 20_000, interval: 20 })
  })

  test("does not keep a program that is done", async () => {
    const { starter, started } = await start()
    const exited = once(starter.child, "exit")
    // The program waits for a line that cannot come any more, so only the server could keep it from ending.
    starter.child.stdin.end()
    await exited
    await vi.waitFor(() => expectNothingLeft(started), { timeout: 20_000, interval: 20 })
  })
})
