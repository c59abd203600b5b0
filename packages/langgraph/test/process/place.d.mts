import type { ObjectBackend } from "@ckpt/core"

export interface S3Server {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export type Place =
  | { readonly storage: "fs"; readonly root: string }
  | ({ readonly storage: "s3"; readonly bucket: string } & S3Server)
  | { readonly storage: "azure"; readonly connectionString: string; readonly container: string }
  | { readonly storage: "gcs"; readonly endpoint: string; readonly bucket: string }

export declare function openerOf(place: Place): Promise<() => ObjectBackend>

export declare function s3Options(server: S3Server): {
  endpoint: string
  region: string
  forcePathStyle: true
  credentials: { accessKeyId: string; secretAccessKey: string }
}

export declare function gcsOptions(server: { readonly endpoint: string }): { apiEndpoint: string; projectId: string }
