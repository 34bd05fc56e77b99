/**
 * Fields of pods that the definition of AscendJob does not list: the API server drops them without a word, for the definition is
 * about as old as Kubernetes 1.20. Source: component/ascend-operator/build/ascend-operator.yaml of mind-cluster v26.0.0 and v26.1.0.
 */

import { containersOf } from "../../kubernetes/pod-templates.ts";
import { type Data, dataAt, listAt } from "./pod-templates.ts";

const podFields = ["schedulingGates", "resourceClaims", "resources", "os", "hostUsers"] as const;
const containerFields = ["resizePolicy"] as const;
const spreadFields = ["minDomains", "matchLabelKeys", "nodeAffinityPolicy", "nodeTaintsPolicy"] as const;
const affinityFields = ["namespaceSelector", "matchLabelKeys", "mismatchLabelKeys"] as const;
const probeNames = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

const present = (data: Data, fields: readonly string[], prefix: string): readonly string[] =>
  fields.filter((field) => data[field] !== undefined).map((field) => `${prefix}${field}`);

function prunedInProbes(container: Data): readonly string[] {
  return probeNames.flatMap((name) =>
    present(dataAt(container, name), ["grpc", "terminationGracePeriodSeconds"], `${name}.`),
  );
}

function prunedInContainer(container: Data): readonly string[] {
  const name = `container ${String(container.name)}: `;
  const hooks = ["postStart", "preStop"].flatMap((hook) =>
    present(dataAt(container, "lifecycle", hook), ["sleep"], `lifecycle.${hook}.`),
  );
  const inner = [
    ...present(container, containerFields, ""),
    ...present(dataAt(container, "resources"), ["claims"], "resources."),
    ...present(dataAt(container, "securityContext"), ["appArmorProfile"], "securityContext."),
    ...prunedInProbes(container),
    ...hooks,
  ];
  return inner.map((field) => `${name}${field}`);
}

function affinityTerms(pod: Data): readonly Data[] {
  return ["podAffinity", "podAntiAffinity"].flatMap((kind) => {
    const affinity = dataAt(pod, "affinity", kind);
    return [
      ...listAt(affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
      ...listAt(affinity, "preferredDuringSchedulingIgnoredDuringExecution").map((term) =>
        dataAt(term, "podAffinityTerm"),
      ),
    ];
  });
}

function prunedInVolumes(pod: Data): readonly string[] {
  return listAt(pod, "volumes").flatMap((volume) => [
    ...present(volume, ["image"], "volumes."),
    ...listAt(volume, "projected", "sources").flatMap((source) =>
      present(source, ["clusterTrustBundle"], "volumes.projected."),
    ),
  ]);
}

/** The fields of a pod that would be dropped, by their place. */
export function prunedFields(pod: Data): readonly string[] {
  return [
    ...present(pod, podFields, ""),
    ...present(dataAt(pod, "securityContext"), ["appArmorProfile"], "securityContext."),
    ...listAt(pod, "initContainers").flatMap((container) => present(container, ["restartPolicy"], "initContainers.")),
    ...containersOf(pod).flatMap(prunedInContainer),
    ...affinityTerms(pod).flatMap((term) => present(term, affinityFields, "affinity.")),
    ...listAt(pod, "topologySpreadConstraints").flatMap((item) =>
      present(item, spreadFields, "topologySpreadConstraints."),
    ),
    ...prunedInVolumes(pod),
  ];
}
