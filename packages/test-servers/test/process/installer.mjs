// Installs into the cache folder argv[2] by the shell text argv[3] and prints the folder.
import { installCeph } from "../../dist/ceph-install.js"

console.log(await installCeph({ cache: process.argv[2], fill: process.argv[3] }))
