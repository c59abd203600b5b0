/**
 * Bytes in memory of their own, which is shared with nobody: `Uint8Array<ArrayBuffer>`. TypeScript 5.6 does not know that
 * `Uint8Array` has a parameter, so the type is written in a way that both understand.
 */
export type OwnBytes = ReturnType<Uint8ArrayConstructor["of"]>
