import type { ContainerClient } from "@azure/storage-blob"
import { BackendError, type DeleteFailure } from "@ckpt/core"
import { mapConcurrently } from "@ckpt/core/adapter"
import type { AzureCredential } from "./client.js"
import { azureError, codeOf, isAbsent, type Operation, type Place } from "./errors.js"
import { request } from "./requests.js"

/** The most blobs that one Blob Batch may delete. */
export const maxBatch = 256
const concurrency = 16

/**
 * Deletes blobs in one Blob Batch. If the service refuses the batch, or its answer leaves a blob out, they are deleted
 * one by one.
 */
export async function deleteBlobs(
  container: ContainerClient,
  place: Place,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  if (keys.length < 2) return deleteEach(container, place, keys, signal)
  const operation = { name: "Blob Batch", needs: "delete" } as const
  try {
    return await request(place, operation, signal, () => deleteBatch(container, place, keys, signal))
  } catch (error) {
    // The service refuses batches under a shared access signature that may delete but not write; some emulators know
    // none.
    const refused = error instanceof BackendError && ["denied", "full", "permanent", "unsupported"].includes(error.kind)
    if (!refused || codeOf(error.cause) === "ContainerNotFound") throw error
    return deleteEach(container, place, keys, signal)
  }
}

async function deleteBatch(
  container: ContainerClient,
  place: Place,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  const client = container.getBlobBatchClient()
  const batch = client.createBatch()
  const credential = askedOnce(container.credential)
  for (const key of keys) await batch.deleteBlob(container.getBlobClient(key).url, credential)
  const { subResponses } = await client.submitBatch(batch, signal && { abortSignal: signal })
  const failures: DeleteFailure[] = []
  const unanswered: string[] = []
  for (const [index, key] of keys.entries()) {
    const answer = subResponses[index]
    if (answer === undefined) unanswered.push(key)
    else if (!(answer.status >= 200 && answer.status < 300) && !isAbsent(answer)) {
      const error = { statusCode: answer.status, errorCode: answer.errorCode, message: answer.statusMessage }
      failures.push({ key, error: azureError(error, place, deletionOf(key)) })
    }
  }
  return [...failures, ...(await deleteEach(container, place, unanswered, signal))]
}

/**
 * The same credential, but asked for its token once. The SDK asks again for every key of a batch, and some credentials
 * start a process each time.
 */
function askedOnce(credential: AzureCredential): AzureCredential {
  if (!("getToken" in credential)) return credential
  let token: ReturnType<typeof credential.getToken> | undefined
  return {
    getToken(scopes, options) {
      token ??= credential.getToken(scopes, options)
      return token
    },
  }
}

async function deleteEach(
  container: ContainerClient,
  place: Place,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  signal?.throwIfAborted()
  const deleteOne = async (key: string): Promise<DeleteFailure[]> => {
    try {
      await container.getBlobClient(key).delete(signal && { abortSignal: signal })
    } catch (error) {
      signal?.throwIfAborted()
      if (!isAbsent(error)) return [{ key, error: azureError(error, place, deletionOf(key)) }]
    }
    return []
  }
  return (await mapConcurrently(keys, deleteOne, concurrency)).flat()
}

function deletionOf(key: string): Operation {
  return { name: "Delete Blob", needs: "delete", key }
}
