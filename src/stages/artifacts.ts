/** Identity of artifacts: equal content keys mean the same content, so that the same conversion is planned and done once. */
import { createHash } from "node:crypto";

/**
 * Checks of one Megatron checkpoint folder: a tracker file beside `release/` or `iter_<7 digits>/`. What these hold depends on the
 * format that the training saves in.
 */
export type CheckpointLayout =
  /** Format `torch`: folder names below them, one a model rank, e.g. `mp_rank_00`; each holds `model_optim_rng.pt`. */
  | { readonly rankFolders: readonly string[] }
  /** Other formats: glob patterns below them; each must match at least one non-empty file. */
  | { readonly files: readonly string[] };

/**
 * Format `torch_dcp`: every rank writes what it owns, so the number of files follows from the sharding. The index is renamed into place
 * when all of them are written (torch.distributed.checkpoint.FileSystemWriter of PyTorch 2.7).
 */
export const distributedCheckpoint: CheckpointLayout = { files: [".metadata", "__*.distcp"] };

/** The part of an artifact's manifest that must be equal between the plan and the folder. */
export interface ArtifactIdentity {
  /** What it is, e.g. `dit-weights`. */
  readonly kind: string;
  /** Recipe that made it, e.g. `opensoraplan1.3/t2v`. */
  readonly recipe: string;
  /** Content key: equal keys mean the same conversion of the same source. */
  readonly key: string;
  /** Parallel layout that the files were cut for, and other facts that must match, by name. */
  readonly layout: Readonly<Record<string, string | number>>;
}

/** JSON with sorted keys, so that equal data gives equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

/** Short hash of any plain data: 10 hexadecimal digits of SHA-256 over its canonical JSON. */
export function contentKey(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 10);
}

/**
 * The identity of an artifact: everything that decides its content goes into `madeFrom` and so into the key; what a reader must
 * be able to compare by name goes into `layout` as well.
 */
export function artifactIdentity(
  kind: string,
  recipe: string,
  layout: ArtifactIdentity["layout"],
  madeFrom: Readonly<Record<string, unknown>>,
): ArtifactIdentity {
  return { kind, recipe, key: contentKey({ kind, recipe, layout, madeFrom }), layout };
}
