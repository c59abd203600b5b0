import type { Access, Permission } from "../access.js"
import type { ObjectStore } from "../objects/store.js"
import type { UploadSessions } from "../uploads/sessions.js"
import type { Call } from "./call.js"

/** The parts of the server that the handlers work on. */
export interface Service {
  readonly store: ObjectStore
  readonly sessions: UploadSessions
  readonly access: Access
}

/** @throws {ServiceError} 401, 403 */
export function permit(service: Service, call: Call, permission: Permission, bucket?: string, object?: string): void {
  service.access.check(call.request.headers, {
    permission,
    ...(bucket === undefined ? {} : { bucket }),
    ...(object === undefined ? {} : { object }),
  })
}
