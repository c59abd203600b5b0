/** The client's connection has ended before its answer did. */
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

/** The server, or its network, ended a connection that was made. The client sees the same. */
export class ServerGone extends Error {
  override readonly name = "ServerGone"
}
