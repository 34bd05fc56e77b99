/**
 * What delivery tools must know of an object: how Argo CD and Flux may treat it. The engine's own protection has its counterpart
 * here, so that a training is as safe when it is delivered by Git.
 *
 * Facts: Argo CD, "Sync Options" (Prune=false, Delete=false, Replace=true, Force=true); Flux kustomize-controller, annotations
 * `kustomize.toolkit.fluxcd.io/prune` and `/force`.
 */
import type { PlannedObject } from "../kubernetes/planned-object.ts";

/** Kinds that take changes in place, or whose name changes with their content: they never have to be made anew. */
const inPlaceKinds = ["ConfigMap", "Service"];

/**
 * Annotations of one object.
 *
 * A protected or retained object is neither pruned when it leaves Git nor deleted with its application. A training whose protection
 * is lifted by `allowReplacing` may be made anew, which is the only way to change it.
 *
 * @param isLifted whether the object belongs to a training that the user allows to be replaced
 */
export function deliveryAnnotations(
  { isProtected, isRetained, manifest }: PlannedObject,
  isLifted: boolean,
): Readonly<Record<string, string>> {
  if (isProtected || isRetained) {
    return {
      "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
      "kustomize.toolkit.fluxcd.io/prune": "disabled",
    };
  }
  if (!isLifted || inPlaceKinds.includes(manifest.kind)) return {};
  return {
    "argocd.argoproj.io/sync-options": "Force=true,Replace=true",
    "kustomize.toolkit.fluxcd.io/force": "enabled",
  };
}
