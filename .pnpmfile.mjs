// What is published is not what the repository needs to build it.
export const hooks = {
  /** Whoever installs a package has neither its private dependencies nor the scripts that build and test it. */
  beforePacking({ devDependencies, scripts, ...manifest }) {
    return manifest
  },
}
