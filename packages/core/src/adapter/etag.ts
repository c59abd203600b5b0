/**
 * The entity tag without the mark of a weak one: `W/"a"` and `"a"` are one version. A proxy that compresses marks the tags of its
 * answers as weak. The storage itself knows the strong form alone, and `If-Match` never holds for a weak one (RFC 9110, 13.1.1).
 */
export function strongEtag(etag: string): string {
  return etag.replace(/^W\//, "")
}
