import { describe, expect, it } from "vitest";
import type { JsonObject } from "./json.ts";
import { readinessRuleOf } from "./readiness-rules.ts";

/** The verdict in one word. */
function stateOf(apiVersion: string, kind: string, rest: JsonObject, related: JsonObject = {}): string {
  const object = { apiVersion, kind, ...rest };
  return readinessRuleOf(object)?.judge(object, related).state ?? "no rule";
}

const condition = (type: string, status: string, reason = "R", message = "M"): JsonObject => ({
  type,
  status,
  reason,
  message,
});
const startTime = "2026-01-01T00:00:00Z";

const job = (status: JsonObject): string => stateOf("batch/v1", "Job", { status });
const failedBy = (reason: string): JsonObject => ({ startTime, conditions: [condition("Failed", "True", reason)] });

describe("Jobs", () => {
  it.each([
    ["not started", job({}), "waiting"],
    ["running", job({ startTime, active: 1 }), "waiting"],
    ["complete", job({ startTime, conditions: [condition("Complete", "True")] }), "ready"],
    ["complete without a start time", job({ conditions: [condition("Complete", "True")] }), "waiting"],
    ["suspended", job({ conditions: [condition("Suspended", "True")] }), "waiting"],
    ["too many failures", job(failedBy("BackoffLimitExceeded")), "failed"],
    ["too slow", job(failedBy("DeadlineExceeded")), "failed"],
    ["failed otherwise: the official provider waits for its limit", job(failedBy("PodFailurePolicy")), "waiting"],
    [
      "a failure that is not (yet) true",
      job({ startTime, conditions: [condition("Failed", "False", "DeadlineExceeded")] }),
      "waiting",
    ],
  ])("%s", (_, state, expected) => {
    expect(state).toBe(expected);
  });

  it("tells reason and message of a failure", () => {
    const object = { apiVersion: "batch/v1", kind: "Job", status: failedBy("DeadlineExceeded") };
    expect(readinessRuleOf(object)?.judge(object, {})).toEqual({ state: "failed", message: "[DeadlineExceeded] M" });
  });

  it("has ten minutes", () => {
    expect(readinessRuleOf({ apiVersion: "batch/v1", kind: "Job" })?.timeoutSeconds).toBe(600);
  });
});

const deployment = (status: JsonObject): string =>
  stateOf("apps/v1", "Deployment", { metadata: { generation: 2 }, spec: { replicas: 2 }, status });
const rolledOut = [condition("Available", "True"), condition("Progressing", "True", "NewReplicaSetAvailable")];

const statefulSet = (status: JsonObject): string =>
  stateOf("apps/v1", "StatefulSet", { metadata: { generation: 1 }, spec: { replicas: 1 }, status });
const settled = {
  observedGeneration: 1,
  replicas: 1,
  readyReplicas: 1,
  currentReplicas: 1,
  currentRevision: "a",
  updateRevision: "a",
};

const daemonSet = (status: JsonObject): string =>
  stateOf("apps/v1", "DaemonSet", { metadata: { generation: 1 }, status });
const everywhere = {
  desiredNumberScheduled: 2,
  currentNumberScheduled: 2,
  updatedNumberScheduled: 2,
  numberAvailable: 2,
  numberReady: 2,
};

describe("other workloads", () => {
  it.each([
    [
      "Deployment rolled out",
      deployment({ observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2, conditions: rolledOut }),
      "ready",
    ],
    [
      "Deployment with an old status",
      deployment({ observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2, conditions: rolledOut }),
      "waiting",
    ],
    [
      "Deployment half way",
      deployment({ observedGeneration: 2, updatedReplicas: 1, availableReplicas: 2, conditions: rolledOut }),
      "waiting",
    ],
    [
      "Deployment not available",
      deployment({
        observedGeneration: 2,
        updatedReplicas: 2,
        availableReplicas: 2,
        conditions: [condition("Available", "False")],
      }),
      "waiting",
    ],
    ["StatefulSet settled", statefulSet(settled), "ready"],
    ["StatefulSet between revisions", statefulSet({ ...settled, updateRevision: "b" }), "waiting"],
    ["StatefulSet without Pods", statefulSet({ observedGeneration: 1, replicas: 0 }), "waiting"],
    ["DaemonSet on every node", daemonSet({ observedGeneration: 1, ...everywhere }), "ready"],
    ["DaemonSet not everywhere", daemonSet({ observedGeneration: 1, ...everywhere, numberReady: 1 }), "waiting"],
    ["DaemonSet not seen yet", daemonSet({}), "waiting"],
    [
      "Pod ready",
      stateOf("v1", "Pod", { status: { phase: "Running", conditions: [condition("Ready", "True")] } }),
      "ready",
    ],
    [
      "Pod running, not ready",
      stateOf("v1", "Pod", { status: { phase: "Running", conditions: [condition("Ready", "False")] } }),
      "waiting",
    ],
    ["Pod succeeded", stateOf("v1", "Pod", { status: { phase: "Succeeded" } }), "ready"],
  ])("%s", (_, state, expected) => {
    expect(state).toBe(expected);
  });
});

const claim = (phase: string, storageClass: JsonObject = {}): string =>
  stateOf("v1", "PersistentVolumeClaim", { status: { phase } }, storageClass);
const service = (spec: JsonObject, endpoints: readonly JsonObject[] = [], status: JsonObject = {}): string =>
  stateOf("v1", "Service", { spec, status }, { items: [{ endpoints }] });

describe("storage and network", () => {
  it.each([
    ["claim bound", claim("Bound"), "ready"],
    ["claim pending", claim("Pending"), "waiting"],
    ["claim pending until its first Pod", claim("Pending", { volumeBindingMode: "WaitForFirstConsumer" }), "ready"],
    ["volume available", stateOf("v1", "PersistentVolume", { status: { phase: "Available" } }), "ready"],
    ["volume pending", stateOf("v1", "PersistentVolume", { status: { phase: "Pending" } }), "waiting"],
    ["headless Service", service({ clusterIP: "None" }), "ready"],
    ["external Service", service({ type: "ExternalName" }), "ready"],
    ["Service without Pods", service({ clusterIP: "10.0.0.1" }), "waiting"],
    [
      "Service with a Pod that is not ready",
      service({ clusterIP: "10.0.0.1" }, [{ conditions: { ready: false } }]),
      "waiting",
    ],
    ["Service with a Pod", service({ clusterIP: "10.0.0.1" }, [{ conditions: { ready: true } }]), "ready"],
    [
      "load balancer without an address",
      service({ type: "LoadBalancer" }, [{ conditions: { ready: true } }]),
      "waiting",
    ],
    [
      "load balancer",
      service({ type: "LoadBalancer" }, [{}], { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } }),
      "ready",
    ],
    [
      "quota in effect",
      stateOf("v1", "ResourceQuota", { spec: { hard: { pods: "1" } }, status: { hard: { pods: "1" } } }),
      "ready",
    ],
    ["quota not in effect", stateOf("v1", "ResourceQuota", { spec: { hard: { pods: "1" } } }), "waiting"],
    ["Ingress without an address", stateOf("networking.k8s.io/v1", "Ingress", {}), "waiting"],
  ])("%s", (_, state, expected) => {
    expect(state).toBe(expected);
  });

  it.each([
    ["v1", "ConfigMap"],
    ["v1", "Namespace"],
    ["mindxdl.gitee.com/v1", "AscendJob"],
    ["example.com/v1", "Job"],
  ])("has no rule for %s %s", (apiVersion, kind) => {
    expect(readinessRuleOf({ apiVersion, kind })).toBeUndefined();
  });

  it("looks at the storage class of a claim and at the endpoints of a Service", () => {
    const claimObject = { apiVersion: "v1", kind: "PersistentVolumeClaim", spec: { storageClassName: "fast" } };
    expect(readinessRuleOf(claimObject)?.relatedPath?.(claimObject)).toBe(
      "/apis/storage.k8s.io/v1/storageclasses/fast",
    );
    const serviceObject = { apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "n" } };
    expect(readinessRuleOf(serviceObject)?.relatedPath?.(serviceObject)).toBe(
      "/apis/discovery.k8s.io/v1/namespaces/n/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Da",
    );
  });
});
