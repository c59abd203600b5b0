/** The arguments of `tar` that pack a folder as npm packs a package: of others, as it was published. `to`: a file, or `-`. */
export function tarOf(folder: string, to: string): string[] {
  const how = [
    "--dereference",
    // pnpm has equal files of a package once. npm leaves links out.
    "--hard-dereference",
    "--exclude=./node_modules",
    "--use-compress-program=gzip -1",
    "--transform=s,^\\.,package,",
  ]
  return [...how, "-cf", to, "-C", folder, "."]
}
