import { spawn } from "node:child_process"

/**
 * Runs a command to its end. Resolves to its exit status and its whole output.
 *
 * @throws Error if it cannot be started
 */
export function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ status: number | string; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ status: code ?? signal ?? "unknown", output }))
  })
}
