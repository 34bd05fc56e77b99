/** Creations as server-side dry runs: the API server validates, defaults and admits each object, and keeps none of them. */
import type { KubernetesObject, PlannedObject } from "../kubernetes/planned-object.ts";
import type { Data } from "../workloads/rules/pod-templates.ts";
import type { Connection } from "./connection.ts";
import type { ClusterFacts, TrialFact } from "./facts.ts";
import { madeNames, type Needs, objectKey, objectTitle, type PodsNeed } from "./needs.ts";
import { textAt } from "./pod-demand.ts";
import { mayCreate } from "./rights.ts";

/** What is known before creations are tried. */
export type Seen = Pick<ClusterFacts, "kinds" | "existing" | "rights" | "namespace">;

/** Where objects of the namespace are tried while it is not there. Every cluster has this one. */
const anyNamespace = "default";

interface Trial {
  readonly subject: TrialFact["subject"];
  readonly where: string;
  readonly path: string;
  readonly object: unknown;
  readonly isElsewhere: boolean;
}

const isThere = (needs: Needs, seen: Seen, kind: string, name: string): boolean =>
  needs.objects.some(({ manifest }) => {
    const found = seen.existing[objectKey(manifest)];
    return (
      manifest.kind === kind && manifest.metadata.name === name && found?.isKnown === true && found.value !== undefined
    );
  });

/** The engine fills in the registry's password; a dry run needs no more than the form. */
const completed = ({ manifest, registrySecret }: PlannedObject): KubernetesObject =>
  registrySecret === undefined ? manifest : { ...manifest, stringData: { ".dockerconfigjson": '{"auths":{}}' } };

/**
 * The pod that a workload would make. Admission also looks for the account and the priority class; what the stack itself makes and
 * is not there yet is left out, so that the pod is judged by its own content.
 */
export function trialPod(needs: Needs, seen: Seen, { object, template }: PodsNeed): Data {
  const { serviceAccountName, priorityClassName, ...spec } = template.pod;
  const account = String(serviceAccountName ?? "");
  const priority = String(priorityClassName ?? "");
  const isPending = (kind: string, name: string): boolean =>
    madeNames(needs, kind).includes(name) && !isThere(needs, seen, kind, name);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${object.manifest.metadata.name}-doctor-`,
      labels: template.labels,
      annotations: template.annotations,
    },
    spec: {
      ...spec,
      ...(account === "" || isPending("ServiceAccount", account) ? {} : { serviceAccountName: account }),
      ...(priority === "" || isPending("PriorityClass", priority) ? {} : { priorityClassName: priority }),
    },
  };
}

function trialsFor(needs: Needs, seen: Seen): readonly Trial[] {
  const isNamespaceThere = seen.namespace.isKnown && seen.namespace.value !== undefined;
  const namespace = isNamespaceThere ? needs.namespace : anyNamespace;
  const ofObjects = needs.objects.flatMap((object): readonly Trial[] => {
    const { manifest } = object;
    const kind = seen.kinds[manifest.apiVersion]?.find((candidate) => candidate.kind === manifest.kind);
    const found = seen.existing[objectKey(manifest)];
    if (kind === undefined || found?.isKnown !== true || found.value !== undefined) return [];
    if (!mayCreate(seen.rights, manifest.apiVersion, kind.plural)) return [];
    const root = manifest.apiVersion.includes("/") ? `/apis/${manifest.apiVersion}` : `/api/${manifest.apiVersion}`;
    const whole = completed(object);
    return [
      {
        subject: "object",
        where: objectTitle(manifest),
        path: `${root}${kind.isNamespaced ? `/namespaces/${namespace}` : ""}/${kind.plural}`,
        object: kind.isNamespaced ? { ...whole, metadata: { ...whole.metadata, namespace } } : whole,
        isElsewhere: kind.isNamespaced && !isNamespaceThere,
      },
    ];
  });
  if (!mayCreate(seen.rights, "v1", "pods")) return ofObjects;
  const ofPods = needs.pods.map(
    (pods): Trial => ({
      subject: "pod",
      where: `pod of ${objectTitle(pods.object.manifest)}`,
      path: `/api/v1/namespaces/${namespace}/pods`,
      object: trialPod(needs, seen, pods),
      isElsewhere: !isNamespaceThere,
    }),
  );
  return [...ofObjects, ...ofPods];
}

/** Tries every planned object that is not there, and a pod of every workload. */
export const tryCreations = ({ ask }: Connection, needs: Needs, seen: Seen): Promise<readonly TrialFact[]> =>
  Promise.all(
    trialsFor(needs, seen).map(async ({ subject, where, path, object, isElsewhere }) => {
      const query = { dryRun: "All", fieldValidation: "Strict", fieldManager: "ascend-doctor" };
      const { status, body, warnings } = await ask({ path, query, create: object });
      const message = status < 300 ? "" : textAt(body, "message");
      return { subject, where, isElsewhere, status, message, warnings };
    }),
  );
