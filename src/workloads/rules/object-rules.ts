/**
 * Rules over finished workload objects. The builders of this folder are made so that none of them can be broken; the rules prove it,
 * for every plan, and hold for whatever else is put into a plan.
 */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { KubernetesObject } from "../../kubernetes/planned-object.ts";
import { containersOf } from "../../kubernetes/pod-templates.ts";
import { canonicalJson } from "../../stages/artifacts.ts";
import { dataAt, isAscendJob, isVolcanoJob, listAt, npuResourcesOf, templatesOf } from "./pod-templates.ts";
import { prunedFields } from "./pruned-fields.ts";
import { sources } from "./sources.ts";

type Finding = Omit<Diagnostic, "path" | "severity"> & { readonly severity?: Diagnostic["severity"] };

const found = (manifest: KubernetesObject, finding: Finding): Diagnostic => ({
  severity: "error",
  path: [],
  ...finding,
  what: `${manifest.kind} ${manifest.metadata.name}: ${finding.what}`,
});

/** Requests and limits name the same single NPU resource with equal counts; the API server takes no more or less. */
export function npuResourceProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  return templatesOf(manifest).flatMap(({ pod }) => {
    const uses = containersOf(pod).map(npuResourcesOf);
    const names = [...new Set(uses.flatMap((use) => use.names))];
    const isEqual = uses.every((use) => use.names.every((name) => use.requests[name] === use.limits[name]));
    if (names.length <= 1 && isEqual) return [];
    return [
      found(manifest, {
        rule: "one-npu-resource",
        what: "a pod asks for one NPU resource, in requests and limits alike",
        got: names.join(", "),
        source: sources.configuration,
      }),
    ];
  });
}

/** What the operator checks, and what it takes for granted: it accepts a bad job and fails it afterwards. */
export function ascendJobFormProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  if (!isAscendJob(manifest)) return [];
  const templates = templatesOf(manifest);
  const scheduling = dataAt(manifest, "spec", "runPolicy", "schedulingPolicy");
  const roles = templates.map(({ role }) => role);
  const masters = templates.find(({ role }) => role === "Master")?.replicas;
  const hasPort = (container: Readonly<Record<string, unknown>>): boolean =>
    listAt(container, "ports").some(({ name }) => name === "ascendjob-port");
  const checks: readonly (readonly [string, boolean, string])[] = [
    ["ascend-job-framework", manifest.metadata.labels.framework === "pytorch", "needs the label framework: pytorch"],
    ["ascend-job-master", masters === 1, "needs exactly one Master"],
    [
      "ascend-job-roles",
      roles.every((role) => role === "Master" || role === "Worker"),
      "knows the roles Master and Worker only",
    ],
    [
      "ascend-job-container",
      templates.every(({ pod }) =>
        listAt(pod, "containers").some(({ name, image }) => name === "ascend" && Boolean(image)),
      ),
      "needs a container named ascend with an image in each role",
    ],
    [
      "ascend-job-port",
      templates.every(({ pod }) => listAt(pod, "containers").some(hasPort)),
      "needs a port named ascendjob-port: the operator makes the Service from it",
    ],
    [
      "ascend-job-queue",
      typeof scheduling.queue === "string" && scheduling.queue !== "",
      "needs a queue: an empty one is looked up and not found",
    ],
  ];
  return checks
    .filter(([, isMet]) => !isMet)
    .map(([rule, , what]) => found(manifest, { rule, what, source: sources.operatorValidation }));
}

/** A gang is all of its pods: a smaller number would be started without the others. */
export function gangWholeProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  const minimum = isAscendJob(manifest)
    ? dataAt(manifest, "spec", "runPolicy", "schedulingPolicy").minAvailable
    : isVolcanoJob(manifest)
      ? dataAt(manifest, "spec").minAvailable
      : undefined;
  const pods = templatesOf(manifest).reduce((sum, { replicas }) => sum + replicas, 0);
  if (!(isAscendJob(manifest) || isVolcanoJob(manifest)) || minimum === pods) return [];
  return [
    found(manifest, {
      rule: "gang-whole",
      what: "minAvailable is the number of all pods",
      got: String(minimum),
      allowed: String(pods),
      nearest: [String(pods)],
      source: sources.affinity,
    }),
  ];
}

/** Pods of one job with different node selectors are not rescheduled rightly. Source: FAQ 385 of MindCluster. */
export function nodeSelectorProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  const selectors = new Set(templatesOf(manifest).map(({ pod }) => canonicalJson(dataAt(pod, "nodeSelector"))));
  if (selectors.size <= 1) return [];
  return [
    found(manifest, {
      rule: "same-node-selector",
      what: "all pods of a job have the same node selector, or rescheduling breaks",
      got: [...selectors].join(" and "),
      source: "FAQ 385 of MindCluster",
    }),
  ];
}

/** Fields that the API server would drop from the pods of an AscendJob without a word. */
export function prunedFieldProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  if (!isAscendJob(manifest)) return [];
  const fields = [...new Set(templatesOf(manifest).flatMap(({ pod }) => prunedFields(pod)))];
  return fields.map((field) =>
    found(manifest, {
      rule: "pruned-field",
      what: "the definition of AscendJob does not know this field of pods, and the API server drops it silently",
      got: field,
      remedy: "use another workload kind, or do without it",
      source: sources.operatorDefinition,
    }),
  );
}

const variableNames = (pod: Readonly<Record<string, unknown>>): readonly string[] =>
  containersOf(pod).flatMap((container) => listAt(container, "env").map(({ name }) => String(name)));

/** Variables that the operator appends to the container's own: the last of two equal names wins, and it is the operator's. */
const operatorVariables: readonly string[] = [
  ...["MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK", "HostNetwork"],
  ...["REPLICA_TYPE", "HCCL_LOGIC_SUPERPOD_ID"],
];

/** Variables of the pod that the operator would override silently. */
export function operatorVariableProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  if (!isAscendJob(manifest)) return [];
  const clashing = templatesOf(manifest)
    .flatMap(({ pod }) => variableNames(pod))
    .filter((name) => operatorVariables.includes(name) || name.startsWith("MINDX_"));
  return [...new Set(clashing)].map((name) =>
    found(manifest, {
      rule: "operator-variable",
      what: "the operator sets this variable itself and overrides the pod's silently",
      got: name,
      remedy: "remove it",
      source: sources.operatorVariables,
    }),
  );
}

/** On the host network HCCL must be told the node's address, or it picks one of several. */
export function hostAddressProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  return templatesOf(manifest)
    .filter(({ pod }) => pod.hostNetwork === true && !variableNames(pod).includes("HCCL_IF_IP"))
    .map(() =>
      found(manifest, {
        rule: "host-network-address",
        what: "pods on the host network need HCCL_IF_IP with the address of their node",
        remedy: "set it from status.hostIP",
        source: sources.configuration,
      }),
    );
}

/** Two pods of one job on one A3 node cannot do collective communication with each other. */
export function spreadProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  const templates = templatesOf(manifest);
  const pods = templates.reduce((sum, { replicas }) => sum + replicas, 0);
  const policies = [manifest.metadata.annotations, ...templates.map(({ annotations }) => annotations)].map(
    (annotations) => String(annotations["huawei.com/schedule_policy"] ?? ""),
  );
  if (pods < 2 || !policies.some((policy) => policy.startsWith("chip2-") || policy === "module-a3-16")) return [];
  const isSpread = templates.every(({ pod }) =>
    listAt(pod, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution").some(
      ({ topologyKey }) => topologyKey === "kubernetes.io/hostname",
    ),
  );
  if (isSpread) return [];
  return [
    found(manifest, {
      rule: "one-pod-a-node",
      what: "pods of a job on A3 need a required anti-affinity on kubernetes.io/hostname",
      source: sources.affinity,
    }),
  ];
}

/** A rank table in a ConfigMap reaches a recreated pod too late. */
export function rankTableProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  if (manifest.metadata.labels["pod-rescheduling"] !== "on") return [];
  const tables = templatesOf(manifest)
    .flatMap(({ pod }) => listAt(pod, "volumes"))
    .map((volume) => String(dataAt(volume, "configMap").name ?? ""))
    .filter((name) => name.startsWith("rings-config-"));
  return [...new Set(tables)].map((name) =>
    found(manifest, {
      rule: "rank-table-with-pod-rescheduling",
      what: "a rank table in a ConfigMap cannot be used where single pods are recreated",
      got: name,
      remedy: "do without a rank table, or keep it on shared storage",
      source: sources.faultTolerance,
    }),
  );
}

/** Labels are text: `tor-affinity: null` in YAML is no label at all, and the scheduler's word for none is the text "null". */
export function labelTextProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  return Object.entries(manifest.metadata.labels as Readonly<Record<string, unknown>>)
    .filter(([, value]) => typeof value !== "string")
    .map(([key, value]) =>
      found(manifest, {
        rule: "label-text",
        what: `the label ${key} must be text`,
        got: String(value),
        nearest: [`"${String(value)}"`],
        source: sources.configuration,
      }),
    );
}

/** A tag that moves under a running training. */
export function latestTagProblems(manifest: KubernetesObject): readonly Diagnostic[] {
  const images = templatesOf(manifest).flatMap(({ pod }) => containersOf(pod).map(({ image }) => String(image)));
  return [...new Set(images)]
    .filter((image) => /:latest(@|$)/.test(image))
    .map((image) =>
      found(manifest, {
        severity: "warning",
        rule: "image-tag",
        what: "the tag latest says nothing about what runs",
        got: image,
        remedy: "name the version, or the digest alone",
        source: "MindCluster 26.0.0, stock manifests use placeholder tags",
      }),
    );
}

/** Every rule over objects. */
export const objectRules: readonly ((manifest: KubernetesObject) => readonly Diagnostic[])[] = [
  npuResourceProblems,
  ascendJobFormProblems,
  gangWholeProblems,
  nodeSelectorProblems,
  prunedFieldProblems,
  operatorVariableProblems,
  hostAddressProblems,
  spreadProblems,
  rankTableProblems,
  labelTextProblems,
  latestTagProblems,
];
