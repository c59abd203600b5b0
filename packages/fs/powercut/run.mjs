// npm run powercut: filesystems in files, cut at random moments while programs write, then mounted, recovered and checked.
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { parseArgs } from "node:util"
import { allowedFacts, faultsOf } from "./check.mjs"
import { clone, filesystems, makeImage, mount, problem } from "./image.mjs"
import { randomFrom } from "./random.mjs"

const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1e9) },
    on: { type: "string", default: filesystems.join(",") },
    help: { type: "boolean", default: false },
  },
})
if (values.help) {
  console.log(`npm run powercut -- [--cuts 30] [--on ${filesystems.join(",")}] [--seed n]
Four programs write to stores on a filesystem in a file. At random moments the file is cloned in one step: the disk after a power
cut. Each clone is mounted and recovered, and held against what the programs had been told. Needs Linux, root, and xfsprogs.`)
  process.exit()
}

/** @param {"cuts" | "seed"} name */
function wholeNumber(name, least) {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} is ${values[name]}; give a whole number from ${least}`)
}

const seed = wholeNumber("seed", 0)
const cuts = wholeNumber("cuts", 1)
const unknown = values.on.split(",").find((name) => !filesystems.includes(name))
if (unknown !== undefined) throw new Error(`--on has ${unknown}; there are ${filesystems.join(", ")}`)
const random = randomFrom(seed)
const writers = [
  ["plain", "directory"],
  ["plain", "objects"],
  ["leader", "directory"],
  ["leader", "objects"],
]
const folder = mkdtempSync(join(tmpdir(), "ckpt-powercut-"))
console.log(`seed ${seed}, in ${folder}`)
let failed = false
try {
  for (const kind of values.on.split(",")) {
    const why = problem(kind)
    if (why !== undefined) throw new Error(`${kind}: ${why}`)
    failed = (await cutAtRandom(kind)) || failed
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

async function cutAtRandom(kind) {
  const place = join(folder, kind)
  mkdirSync(place)
  // XFS below, whatever is tested: its clones are one step.
  makeImage(join(place, "outer.img"), "xfs", 8 * 2 ** 30)
  const unmountOuter = mount(join(place, "outer.img"), "xfs", join(place, "outer"))
  const undo = [unmountOuter]
  const taken = []
  const programs = []
  try {
    const image = join(place, "outer", "disk.img")
    makeImage(image, kind)
    const disk = join(place, "disk")
    undo.push(mount(image, kind, disk))
    programs.push(
      ...writers.map(([role, layout], index) => program(join(disk, `${role}-${layout}`), layout, role, index)),
    )
    await Promise.all(programs.map(({ begun }) => begun))
    for (let n = 0; n < cuts; n++) {
      await pause(20 + random() * 700)
      const acknowledged = programs.map(({ lines }) => lines.length)
      const to = join(place, "outer", `cut-${n}.img`)
      clone(image, to)
      taken.push({ to, acknowledged })
    }
    await end(programs)
    undo.pop()()
    return await judge(kind, place, disk, programs, taken)
  } finally {
    await end(programs)
    for (const one of undo.reverse()) one()
  }
}

function program(root, layout, role, index) {
  const args = [join(import.meta.dirname, "writer.mjs"), root, layout, role, String(seed + index)]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const lines = []
  const reader = createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)))
  const begun = new Promise((resolve) => reader.once("line", resolve))
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)))
  return { child, root, layout, lines, begun, ended }
}

async function end(programs) {
  for (const { child, ended, root } of programs) {
    if (child.exitCode === null) child.kill("SIGKILL")
    const how = await ended
    if (how !== "SIGKILL") throw new Error(`the program on ${root} ended by itself: ${how}`)
  }
}

async function judge(kind, place, disk, programs, taken) {
  const wrong = []
  let stores = 0
  let acknowledgements = 0
  for (const { to, acknowledged } of taken) {
    const folderOfCut = join(place, "cut")
    const unmount = mount(to, kind, folderOfCut)
    try {
      for (const [index, { root, layout, lines }] of programs.entries()) {
        const allowed = allowedFacts(lines, acknowledged[index])
        const at = root.replace(disk, folderOfCut)
        for (const fault of await faultsOf(at, layout, allowed, root)) wrong.push(`${to}, ${at}: ${fault}`)
        acknowledgements += lines.slice(0, acknowledged[index]).filter(({ facts }) => facts === undefined).length
        stores++
      }
    } finally {
      unmount()
    }
  }
  for (const one of wrong.slice(0, 20)) console.error(one)
  const operations = programs.flatMap(({ lines }) => lines).filter(({ facts }) => facts === undefined).length
  console.log(
    `${kind}: ${taken.length} cuts under ${operations} operations, ${stores} stores recovered, ` +
      `${acknowledgements} acknowledgements looked up, ${wrong.length} wrong`,
  )
  return wrong.length > 0
}
