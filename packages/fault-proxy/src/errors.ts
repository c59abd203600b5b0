/** The client's connection ended before its answer was complete. */
export class ClientGone extends Error {
  override readonly name = "ClientGone"
}

/** The proxy was stopped. */
export class Stopped extends Error {
  override readonly name = "Stopped"
}

/** No connection to the server. */
export class Unreachable extends Error {
  override readonly name = "Unreachable"
}

/** The server, or its network, ended an open connection. The client's connection is ended too. */
export class ServerGone extends Error {
  override readonly name = "ServerGone"
}
