// Starts the servers named on the command line and prints them as JSON; a line on stdin ends them, and "stopped" is printed.
import { once } from "node:events"
import { createInterface } from "node:readline"
import { startAzureServer, startS3Server } from "../../dist/index.js"

const start = { s3: startS3Server, azure: startAzureServer }
const lines = createInterface({ input: process.stdin })
const servers = await Promise.all(process.argv.slice(2).map((name) => start[name]()))
console.log(JSON.stringify(servers))
await once(lines, "line")
await Promise.all(servers.map((server) => server.stop()))
console.log("stopped")
