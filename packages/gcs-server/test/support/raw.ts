import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http"

export interface RawRequest {
  method: string
  headers?: OutgoingHttpHeaders
  body?: Buffer | string
}

export interface RawResponse {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  text: string
}

/** One raw request, without a client. The `content-length` is that of the body, unless given. */
export function send(url: string, { method, headers = {}, body = "" }: RawRequest): Promise<RawResponse> {
  const length = "transfer-encoding" in headers ? {} : { "content-length": Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent: false, headers: { ...length, ...headers } })
    sent.on("error", reject)
    sent.on("response", (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () => {
        const bytes = Buffer.concat(chunks)
        resolve({ status: response.statusCode!, headers: response.headers, body: bytes, text: bytes.toString() })
      })
    })
    sent.end(body)
  })
}

/** Sends fewer bytes than its head promises, and hangs up. Resolves when the server has closed its side. */
export function sendCut(url: string, headers: OutgoingHttpHeaders, body: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const sent = request(url, { method: "PUT", agent: false, headers })
    sent.on("error", () => {})
    sent.on("close", () => resolve())
    // Ended, not destroyed: all that was written arrives first, so it is certain what the server keeps.
    sent.write(body, () => sent.socket!.end())
  })
}

/** The JSON body of an error: its code, the reason of its first entry, its message. */
export function errorOf(response: RawResponse): { code: number; reason: string; message: string } {
  const { error } = JSON.parse(response.text)
  return { code: error.code, reason: error.errors[0].reason, message: error.message }
}
