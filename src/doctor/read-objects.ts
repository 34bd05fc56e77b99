/** Objects of the API server as facts. Secret values are looked at here and go no further. */
import { type Data, dataAt, listAt } from "../workloads/rules/pod-templates.ts";
import type {
  ClaimFact,
  ControllerFact,
  ExistingFact,
  NamespaceFact,
  NodeFact,
  PodFact,
  QueueFact,
  QuotaFact,
  SecretFact,
  StorageClassFact,
} from "./facts.ts";
import { podRequests, textAt, textsAt } from "./pod-demand.ts";
import { amountsOf } from "./quantity.ts";

/** Name of an object. */
export const nameOf = (object: Data): string => textAt(object, "metadata", "name");

const isEnding = (object: Data): boolean => textAt(object, "metadata", "deletionTimestamp") !== "";

/** A node. The condition Ready tells; a cordoned node carries a taint of its own, which is not shown twice. */
export function nodeFact(node: Data): NodeFact {
  const ready = listAt(node, "status", "conditions").find(({ type }) => type === "Ready");
  const superPod = textAt(node, "metadata", "annotations", "superPodID");
  const conditionTaints = /^node\.kubernetes\.io\/(unschedulable|not-ready|unreachable)$/;
  return {
    name: nameOf(node),
    labels: textsAt(node, "metadata", "labels"),
    isReady: ready?.status === "True",
    isCordoned: dataAt(node, "spec").unschedulable === true,
    taints: listAt(node, "spec", "taints")
      .map((taint) => ({ key: textAt(taint, "key"), value: textAt(taint, "value"), effect: textAt(taint, "effect") }))
      .filter(({ key, effect }) => effect !== "PreferNoSchedule" && !conditionTaints.test(key)),
    allocatable: amountsOf(dataAt(node, "status", "allocatable")),
    ...(superPod === "" ? {} : { superPod }),
  };
}

/** A pod. */
export const podFact = (pod: Data): PodFact => ({
  node: textAt(pod, "spec", "nodeName"),
  requests: podRequests(dataAt(pod, "spec")),
});

/** A namespace. */
export const namespaceFact = (namespace: Data): NamespaceFact => ({
  labels: textsAt(namespace, "metadata", "labels"),
  isEnding: isEnding(namespace) || textAt(namespace, "status", "phase") === "Terminating",
});

/** A list of texts. */
const words = (data: Data, key: string): readonly string[] =>
  Array.isArray(data[key]) ? data[key].filter((item): item is string => typeof item === "string") : [];

/** A claim. */
export const claimFact = (claim: Data): ClaimFact => {
  const spec = dataAt(claim, "spec");
  const bound = words(dataAt(claim, "status"), "accessModes");
  return {
    name: nameOf(claim),
    phase: textAt(claim, "status", "phase"),
    accessModes: bound.length > 0 ? bound : words(spec, "accessModes"),
    storageClass: textAt(spec, "storageClassName"),
    isEnding: isEnding(claim),
  };
};

/** A storage class. */
export const storageClassFact = (storageClass: Data): StorageClassFact => ({
  name: nameOf(storageClass),
  provisioner: textAt(storageClass, "provisioner"),
  isDefault: textAt(storageClass, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") === "true",
  waitsForPod: textAt(storageClass, "volumeBindingMode") === "WaitForFirstConsumer",
});

function registriesIn(secret: Data): readonly string[] | undefined {
  const encoded = textAt(secret, "data", ".dockerconfigjson");
  try {
    const configuration: unknown = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    if (typeof configuration !== "object" || configuration === null) return undefined;
    return Object.keys(dataAt(configuration as Data, "auths"));
  } catch {
    return undefined;
  }
}

/** A secret: its type, the names of its keys, and the registries it speaks of. No value leaves this function. */
export function secretFact(secret: Data): SecretFact {
  const registries = registriesIn(secret);
  return {
    type: textAt(secret, "type"),
    keys: Object.keys(dataAt(secret, "data")),
    ...(registries === undefined ? {} : { registries }),
  };
}

/** A quota. */
export const quotaFact = (quota: Data): QuotaFact => ({
  name: nameOf(quota),
  hard: amountsOf(dataAt(quota, "status", "hard")),
  used: amountsOf(dataAt(quota, "status", "used")),
});

/** A Deployment or a DaemonSet. */
export function controllerFact(controller: Data): ControllerFact {
  const status = dataAt(controller, "status");
  const count = (...values: readonly unknown[]): number =>
    Number(values.find((value) => typeof value === "number") ?? 0);
  return {
    name: nameOf(controller),
    wanted: count(status.desiredNumberScheduled, dataAt(controller, "spec").replicas),
    ready: count(status.numberReady, status.readyReplicas),
  };
}

/** A Volcano queue. */
export const queueFact = (queue: Data): QueueFact => ({
  state: textAt(queue, "status", "state"),
  capability: amountsOf(dataAt(queue, "spec", "capability")),
});

/** An object that is there, whatever its kind. */
export const existingFact = (object: Data): ExistingFact => ({
  labels: textsAt(object, "metadata", "labels"),
  isEnding: isEnding(object),
});
