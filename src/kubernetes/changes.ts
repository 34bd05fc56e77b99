/**
 * What a changed manifest means for the object in the cluster: whether it is changed in place or has to be made anew.
 *
 * Facts: replacement rules of the Kubernetes provider, and the API server's own immutable fields.
 */
import type { KubernetesObject } from "./planned-object.ts";

/** One changed field: keys from the top of the object, joined by dots, with both values; absent where there is none. */
export interface FieldChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object";

/** The deepest fields in which two plain values differ. A list of another length is one change. */
export function fieldChanges(before: unknown, after: unknown, path = ""): readonly FieldChange[] {
  if (before === after) return [];
  const isComparable =
    isObject(before) &&
    isObject(after) &&
    Array.isArray(before) === Array.isArray(after) &&
    (!Array.isArray(before) || before.length === (after as unknown as readonly unknown[]).length);
  if (!isComparable) {
    return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  }
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    fieldChanges(before[key], after[key], path === "" ? key : `${path}.${key}`),
  );
}

/** Fields of a Job's spec that may change while it runs. */
const hotJobFields = ["backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "suspend"];

/** Kinds whose spec is the run itself: any change of it makes the object anew. */
const runKinds = ["JobSet", "AscendJob"];

/** Whether a change of this field makes an object of this kind anew. */
function isReplacing(kind: string, apiVersion: string, path: string): boolean {
  const [top = "", field = ""] = path.split(".");
  if (path === "metadata.name" || path === "metadata.namespace" || top === "apiVersion" || top === "kind") return true;
  if (kind === "ConfigMap" || kind === "Secret") return ["data", "binaryData", "stringData", "immutable"].includes(top);
  if (kind === "PersistentVolumeClaim") return top === "spec" && field !== "resources";
  if (top !== "spec") return false;
  if (kind === "Job" && apiVersion.startsWith("batch/")) return !hotJobFields.includes(field);
  return runKinds.includes(kind) || apiVersion.startsWith("batch.volcano.sh/");
}

/** How a manifest differs from what the cluster was told before. */
export interface ManifestChange {
  readonly fields: readonly FieldChange[];
  /** Whether the object has to be deleted and made anew. */
  readonly isReplaced: boolean;
}

/** Compares two manifests of one object. */
export function manifestChange(before: Readonly<Record<string, unknown>>, after: KubernetesObject): ManifestChange {
  const fields = fieldChanges(before, after);
  return { fields, isReplaced: fields.some(({ path }) => isReplacing(after.kind, after.apiVersion, path)) };
}
