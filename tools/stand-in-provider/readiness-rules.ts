/**
 * When an object counts as ready, kind by kind. The conditions and limits are those of the official provider (`await/*.go` of
 * pulumi-kubernetes 4); kinds without a rule are ready as soon as they exist.
 */
import { isEqual, type Json, type JsonObject, listAt, numberAt, objectAt, textAt } from "./json.ts";
import { groupOf } from "./tokens.ts";

/** What a look at an object says. */
export type Verdict =
  | { readonly state: "ready" }
  /** Not yet; the message is shown meanwhile, and as the reason when time runs out. */
  | { readonly state: "waiting"; readonly message: string }
  /** It will not become ready. */
  | { readonly state: "failed"; readonly message: string };

/** A rule of one kind. */
export interface ReadinessRule {
  /** How long to wait unless the user says otherwise. */
  readonly timeoutSeconds: number;
  /** Whether a refresh looks too, and reports an object that is not ready. */
  readonly isCheckedOnRead: boolean;
  /** Other objects to look at: lists or single objects by path; undefined when none are needed. */
  readonly relatedPath?: (object: JsonObject) => string | undefined;
  readonly judge: (object: JsonObject, related: JsonObject) => Verdict;
}

const ready: Verdict = { state: "ready" };
const waiting = (message: string): Verdict => ({ state: "waiting", message });

/** A condition of an object's status. */
const conditionOf = (object: JsonObject, type: string): Json | undefined =>
  listAt(object, "status", "conditions").find((condition) => textAt(condition, "type") === type);

const isConditionTrue = (object: JsonObject, type: string): boolean =>
  textAt(conditionOf(object, type), "status") === "True";

/** Reason and message of a condition, as users know them from kubectl. */
const conditionText = (condition: Json | undefined): string =>
  `[${textAt(condition, "reason") ?? "no reason"}] ${textAt(condition, "message") ?? ""}`.trim();

/** Whether a controller has seen the latest change. */
const isObserved = (object: JsonObject): boolean =>
  (numberAt(object, "status", "observedGeneration") ?? 0) >= (numberAt(object, "metadata", "generation") ?? 0);

const count = (object: JsonObject, key: string): number => numberAt(object, "status", key) ?? 0;

/** Failures that end the wait. Others, such as PodFailurePolicy, are not recognised by the official provider: it waits for its limit. */
const fatalJobReasons: ReadonlySet<string> = new Set(["BackoffLimitExceeded", "DeadlineExceeded"]);

function judgeJob(job: JsonObject): Verdict {
  const failed = conditionOf(job, "Failed");
  if (textAt(failed, "status") === "True" && fatalJobReasons.has(textAt(failed, "reason") ?? "")) {
    return { state: "failed", message: conditionText(failed) };
  }
  if (textAt(job, "status", "startTime") === undefined) return waiting("Waiting for the Job to start");
  if (isConditionTrue(job, "Complete")) return ready;
  return waiting(
    `Waiting for the Job to complete (active ${count(job, "active")}, succeeded ${count(job, "succeeded")}, failed ${count(job, "failed")})`,
  );
}

function judgeDeployment(deployment: JsonObject): Verdict {
  const wanted = numberAt(deployment, "spec", "replicas") ?? 1;
  const [available, updated] = [count(deployment, "availableReplicas"), count(deployment, "updatedReplicas")];
  const progressing = conditionOf(deployment, "Progressing");
  const isRolledOut =
    textAt(progressing, "reason") === "NewReplicaSetAvailable" && textAt(progressing, "status") === "True";
  if (
    isObserved(deployment) &&
    isConditionTrue(deployment, "Available") &&
    isRolledOut &&
    updated >= wanted &&
    available >= wanted
  )
    return ready;
  const trouble = [progressing, conditionOf(deployment, "Available")].find(
    (condition) => textAt(condition, "status") === "False",
  );
  return waiting(
    `Waiting for the Deployment (${available} of ${wanted} Pods available)${trouble === undefined ? "" : `: ${conditionText(trouble)}`}`,
  );
}

function judgeStatefulSet(set: JsonObject): Verdict {
  const wanted = numberAt(set, "spec", "replicas") ?? 1;
  const readyCount = count(set, "readyReplicas");
  const isComplete = isObserved(set) && count(set, "replicas") === wanted && readyCount === wanted;
  const isOnDelete =
    textAt(set, "spec", "updateStrategy", "type") === "OnDelete" && (numberAt(set, "metadata", "generation") ?? 0) > 1;
  const revision = textAt(set, "status", "currentRevision");
  const isUpToDate =
    revision !== undefined &&
    revision === textAt(set, "status", "updateRevision") &&
    count(set, "currentReplicas") === wanted;
  if (isComplete && (isOnDelete || isUpToDate)) return ready;
  return waiting(`Waiting for the StatefulSet (${readyCount} of ${wanted} Pods ready)`);
}

function judgeDaemonSet(set: JsonObject): Verdict {
  const wanted = count(set, "desiredNumberScheduled");
  const isComplete = ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"].every(
    (key) => count(set, key) >= wanted,
  );
  if (isObserved(set) && isComplete) return ready;
  return waiting(`Waiting for the DaemonSet (${count(set, "numberReady")} of ${wanted} Pods ready)`);
}

function judgePod(pod: JsonObject): Verdict {
  const phase = textAt(pod, "status", "phase");
  if (phase === "Succeeded" || isConditionTrue(pod, "Ready")) return ready;
  const trouble = ["PodScheduled", "Initialized", "Ready"]
    .map((type) => conditionOf(pod, type))
    .find((condition) => textAt(condition, "status") === "False");
  return waiting(
    `Waiting for the Pod (${phase ?? "not seen yet"})${trouble === undefined ? "" : `: ${conditionText(trouble)}`}`,
  );
}

/** A claim whose class binds at first use stays Pending until a Pod wants it: that is as ready as it gets. */
function judgeClaim(claim: JsonObject, storageClass: JsonObject): Verdict {
  const phase = textAt(claim, "status", "phase");
  const isLate = textAt(storageClass, "volumeBindingMode") === "WaitForFirstConsumer";
  return phase === "Bound" || (isLate && phase === "Pending")
    ? ready
    : waiting(`Waiting for the claim to be bound (${phase ?? "not seen yet"})`);
}

function judgeService(service: JsonObject, slices: JsonObject): Verdict {
  const isHeadless = textAt(service, "spec", "clusterIP") === "None";
  if (isHeadless || textAt(service, "spec", "type") === "ExternalName") return ready;
  const hasEndpoints = listAt(slices, "items").some((slice) =>
    listAt(slice, "endpoints").some((endpoint) => objectAt(endpoint, "conditions").ready !== false),
  );
  if (!hasEndpoints) return waiting("The Service has no Pods. They may not be ready, or spec.selector matches none");
  const needsAddress =
    textAt(service, "spec", "type") === "LoadBalancer" &&
    listAt(service, "status", "loadBalancer", "ingress").length === 0;
  return needsAddress ? waiting("The Service was given no address. Has this cluster a load balancer?") : ready;
}

const judgeIngress = (ingress: JsonObject): Verdict =>
  listAt(ingress, "status", "loadBalancer", "ingress").length > 0 ? ready : waiting("The Ingress was given no address");

const judgeQuota = (quota: JsonObject): Verdict =>
  isEqual(objectAt(quota, "spec", "hard"), objectAt(quota, "status", "hard"))
    ? ready
    : waiting("Waiting for the quota to take effect");

function judgeVolume(volume: JsonObject): Verdict {
  const phase = textAt(volume, "status", "phase");
  return phase === "Available" || phase === "Bound"
    ? ready
    : waiting(`Waiting for the volume (${phase ?? "not seen yet"})`);
}

const workload = { timeoutSeconds: 600, isCheckedOnRead: true } as const;

/** Rules by group and kind; the core group is empty. */
const rules: Readonly<Record<string, ReadinessRule>> = {
  "apps/DaemonSet": { ...workload, judge: judgeDaemonSet },
  "apps/Deployment": { ...workload, judge: judgeDeployment },
  "apps/StatefulSet": { ...workload, judge: judgeStatefulSet },
  "batch/Job": { ...workload, judge: judgeJob },
  "networking.k8s.io/Ingress": { ...workload, judge: judgeIngress },
  "/Pod": { ...workload, judge: judgePod },
  "/PersistentVolume": { timeoutSeconds: 300, isCheckedOnRead: false, judge: judgeVolume },
  "/PersistentVolumeClaim": {
    timeoutSeconds: 300,
    isCheckedOnRead: false,
    relatedPath: (claim) => {
      const storageClass = textAt(claim, "spec", "storageClassName");
      return storageClass ? `/apis/storage.k8s.io/v1/storageclasses/${encodeURIComponent(storageClass)}` : undefined;
    },
    judge: judgeClaim,
  },
  "/ResourceQuota": { timeoutSeconds: 60, isCheckedOnRead: false, judge: judgeQuota },
  "/Service": {
    ...workload,
    relatedPath: (service) => {
      const selector = encodeURIComponent(`kubernetes.io/service-name=${textAt(service, "metadata", "name") ?? ""}`);
      return `/apis/discovery.k8s.io/v1/namespaces/${textAt(service, "metadata", "namespace") ?? "default"}/endpointslices?labelSelector=${selector}`;
    },
    judge: judgeService,
  },
};

/** The rule for an object; undefined when it is ready as soon as it exists. */
export function readinessRuleOf(object: JsonObject): ReadinessRule | undefined {
  const key = `${groupOf(textAt(object, "apiVersion") ?? "")}/${textAt(object, "kind") ?? ""}`;
  return Object.hasOwn(rules, key) ? rules[key] : undefined;
}
