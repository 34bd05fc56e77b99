/**
 * Which changes make a new object. Most of these fields are immutable in the API server; a few (a Job's parallelism) are not, and
 * are listed all the same because the official provider replaces on them. Source: `diff.go` of pulumi-kubernetes 4.
 */
import { type JsonObject, textAt } from "./json.ts";
import { groupOf } from "./tokens.ts";

/** Settings of the provider that change the rules. */
export interface Mutability {
  readonly isConfigMapMutable: boolean;
  readonly isSecretMutable: boolean;
}

const identity = ["metadata.name", "metadata.namespace"] as const;

const volumeSources = [
  ...["awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker"],
  ...["gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume"],
  ...["quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"],
];

const podFields = [
  ...[
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
  ],
  ...[
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
  ],
  ...[
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
  ],
  ...[
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
  ],
];

const containerFields = [
  ...[
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
  ],
  ...[
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
  ],
  ...["volumeMounts", "workingDir"],
];

const under = (parent: string, fields: readonly string[]): readonly string[] =>
  fields.map((field) => `${parent}.${field}`);

/** Rules by group and kind. A path covers everything below it; `*` stands for any index of a list. */
const rules: Readonly<Record<string, readonly string[]>> = {
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/StatefulSet": under("spec", [
    "podManagementPolicy",
    "revisionHistoryLimit",
    "selector",
    "serviceName",
    "volumeClaimTemplates",
  ]),
  "batch/Job": under("spec", ["completions", "parallelism", "selector", "template"]),
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
  "/PersistentVolume": under("spec", volumeSources),
  // Not spec.resources: a claim may grow in place.
  "/PersistentVolumeClaim": under("spec", ["accessModes", "selector", "storageClassName", "volumeName"]),
  "/Pod": [
    ...under("spec", podFields),
    ...under("spec.containers.*", containerFields),
    ...under("spec.initContainers.*", containerFields),
  ],
  "/ResourceQuota": ["spec.scopes"],
  "/Secret": ["type"],
  "/Service": ["spec.clusterIP"],
};

/**
 * The paths whose change replaces an object.
 *
 * @param inputs the new inputs: an object that declares itself immutable is replaced whatever the provider's settings say
 */
export function replacingPaths(
  inputs: JsonObject,
  { isConfigMapMutable, isSecretMutable }: Mutability,
): readonly string[] {
  const key = `${groupOf(textAt(inputs, "apiVersion") ?? "")}/${textAt(inputs, "kind") ?? ""}`;
  const isImmutable = inputs.immutable === true;
  const data: readonly string[] =
    key === "/ConfigMap" && (isImmutable || !isConfigMapMutable)
      ? ["binaryData", "data"]
      : key === "/Secret" && (isImmutable || !isSecretMutable)
        ? ["stringData", "data"]
        : [];
  return [...identity, ...(Object.hasOwn(rules, key) ? (rules[key] ?? []) : []), ...data];
}
