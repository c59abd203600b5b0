export * from "@ckpt/core"
