import { ckpt, ckptOnLmdb, ckptSmallChunks, port, portSmallChunks } from "./contender.mjs"
import { databases } from "./peers/databases.mjs"
import { fileLibraries } from "./peers/files.mjs"

export const peers = [...fileLibraries, ...databases]

export const contenders = [ckpt, ckptOnLmdb, port, ckptSmallChunks, portSmallChunks, ...peers]
