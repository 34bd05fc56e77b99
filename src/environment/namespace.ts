/** The namespace of an environment, with the level of Pod Security that its pods need and no looser one. */
import type { Environment } from "../config/schema.ts";
import {
  type KubernetesObject,
  objectLabels,
  type PlannedObject,
  waveAnnotation,
  waves,
} from "../kubernetes/planned-object.ts";
import { type LevelReason, levelFor, levelReasons, type PodSecurityLevel } from "../kubernetes/pod-security-level.ts";
import { podSpecs } from "../kubernetes/pod-templates.ts";
import type { NamedEnvironment } from "./own-object.ts";
import { holdsRetainedClaims } from "./storage.ts";
import { waiverAnnotations, waiversOf } from "./waiver-list.ts";

/** Annotation that says why the level is not `restricted`. */
export const levelAnnotation = "ascend-stacks/pod-security-reason";

/** What the pods of an environment need of its namespace. */
export interface NamespaceLevel {
  /** Level that the namespace enforces. */
  readonly enforced: PodSecurityLevel;
  /** Strictest level that admits every pod. */
  readonly needed: PodSecurityLevel;
  /** Why it is not `restricted`, each reason once. */
  readonly reasons: readonly string[];
}

/** The level of the namespace, from the pods that will live in it. */
export function namespaceLevel(environment: Environment, manifests: readonly KubernetesObject[]): NamespaceLevel {
  const found: readonly LevelReason[] = manifests.flatMap(podSpecs).flatMap(levelReasons);
  const needed = levelFor(found);
  const decisive = found.filter(({ level }) => level === needed).map(({ reason }) => reason);
  return { enforced: environment.security.podSecurity.level ?? needed, needed, reasons: [...new Set(decisive)] };
}

function levelLabels({ enforced }: NamespaceLevel, version: string): Readonly<Record<string, string>> {
  const prefix = "pod-security.kubernetes.io";
  // Audit looks for everything that keeps a pod from the strictest level; warnings would repeat what the plan says.
  const levels = { enforce: enforced, audit: "restricted", warn: enforced } as const;
  return Object.fromEntries(
    Object.entries(levels).flatMap(([mode, level]) => [
      [`${prefix}/${mode}`, level],
      [`${prefix}/${mode}-version`, version],
    ]),
  );
}

/**
 * The namespace.
 *
 * @param manifests everything that will live in it
 */
export function namespaceObject(
  { environmentName, environment }: NamedEnvironment,
  manifests: readonly KubernetesObject[],
): PlannedObject {
  const level = namespaceLevel(environment, manifests);
  const isKept = holdsRetainedClaims(environment);
  const reason =
    level.enforced === "restricted" || level.reasons.length === 0
      ? {}
      : { [levelAnnotation]: level.reasons.join("; ") };
  const waivers = waiverAnnotations(waiversOf(environment));
  return {
    name: "namespace",
    manifest: {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: environment.namespace,
        labels: {
          ...objectLabels(environmentName, "namespace", environment.labels),
          ...levelLabels(level, environment.security.podSecurity.version),
        },
        annotations: { ...waveAnnotation(waves.namespace), ...reason, ...waivers },
      },
    },
    after: [],
    isProtected: isKept,
    isRetained: isKept,
  };
}
