import { edit, type Mutant } from "./mutant.js"

/** The looks that keep a reader from stepping back in silence, each left out. */
export const silenceMutants: readonly Mutant[] = [
  {
    name: "the checkpoint of the pointer is not looked at by itself",
    edits: [
      edit(
        "history/history",
        "const named = await this.#manifestMeta(checkpointId, signal);",
        "const named = undefined;",
      ),
    ],
    plans: ["lagging listings"],
  },
  {
    name: "the pointer is not read again behind the look",
    edits: [
      edit(
        "history/history",
        ": await this.#judged(withManifest(view.listing, checkpointId, named), signal, options);",
        `: new View(withManifest(view.listing, checkpointId, named), view.pointer, (s) =>
            this.pointer.read(s, view.listing.claims));`,
      ),
    ],
    plans: ["lagging listings"],
  },
  {
    name: "nothing is listed again when the checkpoint of the pointer is gone",
    edits: [edit("history/history", "? await this.look(signal, options)", "? view")],
    plans: ["lagging listings", "readers"],
  },
  {
    name: "a listing passes for new enough whatever it covers",
    edits: [edit("history/history", "if (view.covers(Math.max(checkpointId, highest)))", "if (true)")],
    isRare: true,
    plans: ["lagging listings"],
  },
  {
    name: "recovery says nothing of a lost checkpoint",
    edits: [
      edit(
        "recovery/recover",
        "const missing = view.lacksNamed ? view.pointer.checkpointId : undefined;",
        "const missing = undefined;",
      ),
    ],
    plans: ["losses"],
  },
  {
    name: "loadLatest, list and ids say nothing of a lost checkpoint",
    edits: [edit("history/missing", "if (view.lacksNamed && checkpointId > latest)", "if (false)")],
    plans: ["lost folders", "losses"],
  },
  {
    name: "list does not look again when the latest that it listed is gone",
    edits: [edit("history/list", "if (isGone)", "if (false)")],
    plans: ["losses"],
  },
  {
    name: "fresh is said beside a pointer",
    edits: [
      edit("recovery/recover", "listing.manifests.size === 0 && !pointer.exists", "listing.manifests.size === 0"),
    ],
    plans: ["lost folders", "losses"],
  },
]
