/** The `pulumi.com/` annotations by which a program tells the provider what to do with one object. */
import { type JsonObject, textAt } from "./json.ts";

export const annotationNames = {
  autonamed: "pulumi.com/autonamed",
  skipAwait: "pulumi.com/skipAwait",
  waitFor: "pulumi.com/waitFor",
  timeoutSeconds: "pulumi.com/timeoutSeconds",
  replaceUnready: "pulumi.com/replaceUnready",
  patchForce: "pulumi.com/patchForce",
  patchFieldManager: "pulumi.com/patchFieldManager",
  deletionPropagation: "pulumi.com/deletionPropagationPolicy",
} as const;

/** The annotation's value, or undefined. */
export const annotationOf = (object: JsonObject, name: keyof typeof annotationNames): string | undefined =>
  textAt(object, "metadata", "annotations", annotationNames[name]);

/** Whether the annotation is set to "true". */
export const isAnnotated = (object: JsonObject, name: keyof typeof annotationNames): boolean =>
  annotationOf(object, name) === "true";

/**
 * How long to wait: `customTimeouts` of the resource, else the annotation, else the default of the kind. All in seconds.
 *
 * @param requestedSeconds from the engine; 0 means not set
 */
export function timeoutSecondsOf(inputs: JsonObject, requestedSeconds: number, defaultSeconds: number): number {
  if (requestedSeconds > 0) return requestedSeconds;
  const annotated = Number.parseInt(annotationOf(inputs, "timeoutSeconds") ?? "", 10);
  return Number.isNaN(annotated) ? defaultSeconds : annotated;
}

/** What happens to dependents of a deleted object. */
export type DeletionPropagation = "Foreground" | "Background" | "Orphan";

/** The annotated deletion policy; foreground when there is none. */
export function deletionPropagationOf(inputs: JsonObject): DeletionPropagation {
  switch (annotationOf(inputs, "deletionPropagation")?.toLowerCase()) {
    case "orphan":
      return "Orphan";
    case "background":
      return "Background";
    default:
      return "Foreground";
  }
}
