/**
 * The components of a cluster that stacks rely on: what serves which kinds, and which controllers must run.
 *
 * Sources: MindCluster 26.0.0 and 26.1.0, component list and manifests; the manifests of Volcano and JobSet.
 */
import { isPlacedByVolcano, presetOf } from "../kubernetes/npus.ts";
import type { Needs } from "./needs.ts";

/** Who serves the kinds of an API group, and how to get it. */
export const groupOwners: Readonly<Record<string, { readonly title: string; readonly fix: string }>> = {
  "mindxdl.gitee.com": {
    title: "MindCluster's Ascend Operator",
    fix: "install the Ascend Operator (ascend-operator.yaml of MindCluster), or set cluster.scheduler.kind to volcanoJob, jobSet or job",
  },
  "batch.volcano.sh": {
    title: "Volcano",
    fix: "install Volcano with MindCluster's plugin (volcano-v<version>.yaml of MindCluster), or set cluster.scheduler.kind to jobSet or job",
  },
  "scheduling.volcano.sh": {
    title: "Volcano",
    fix: "install Volcano with MindCluster's plugin (volcano-v<version>.yaml of MindCluster), or let Kubernetes schedule",
  },
  "jobset.x-k8s.io": {
    title: "JobSet",
    fix: "install JobSet (manifests.yaml of a release of kubernetes-sigs/jobset), or set cluster.scheduler.kind to job",
  },
  "kueue.x-k8s.io": { title: "Kueue", fix: "install Kueue, or remove queue.kueue" },
  "monitoring.coreos.com": {
    title: "the Prometheus Operator",
    fix: "install the Prometheus Operator, or remove observability",
  },
  "external-secrets.io": {
    title: "External Secrets",
    fix: "install External Secrets, or give the registry's credentials in another way",
  },
  "bitnami.com": {
    title: "Sealed Secrets",
    fix: "install Sealed Secrets, or give the registry's credentials in another way",
  },
};

/** A controller that must run for a stack. */
export interface Component {
  readonly title: string;
  readonly namespace: string;
  readonly kind: "Deployment" | "DaemonSet";
  /** Its usual name begins so; MindCluster's device plugin had a suffix for the chip until 26.0.0. */
  readonly prefix: string;
  /** What does not happen without it. */
  readonly without: string;
}

/** Namespace of Volcano. */
export const volcanoNamespace = "volcano-system";

const devicePlugin: Component = {
  title: "MindCluster's device plugin",
  namespace: "kube-system",
  kind: "DaemonSet",
  prefix: "ascend-device-plugin",
  without: "nodes publish no NPUs",
};

const volcano: readonly Component[] = [
  {
    title: "Volcano's scheduler",
    namespace: volcanoNamespace,
    kind: "Deployment",
    prefix: "volcano-scheduler",
    without: "pods stay Pending",
  },
  {
    title: "Volcano's controllers",
    namespace: volcanoNamespace,
    kind: "Deployment",
    prefix: "volcano-controllers",
    without: "jobs get no pods",
  },
];

const operator: Component = {
  title: "Ascend Operator",
  namespace: "mindx-dl",
  kind: "Deployment",
  prefix: "ascend-operator-manager",
  without: "AscendJobs get no pods",
};

const clusterD: Component = {
  title: "ClusterD",
  namespace: "mindx-dl",
  kind: "Deployment",
  prefix: "clusterd",
  without: "Volcano's NPU plugin sees no device states with useClusterInfoManager, its default",
};

const jobSet: Component = {
  title: "JobSet's controller",
  namespace: "jobset-system",
  kind: "Deployment",
  prefix: "jobset-controller-manager",
  without: "JobSets get no Jobs",
};

/** The controllers that a stack's NPU stages rely on. */
export function componentsFor({ environment, pods }: Needs): readonly Component[] {
  if (!pods.some(({ kind }) => kind === "npu")) return [];
  const { kind } = environment.cluster.scheduler;
  const isVolcano = isPlacedByVolcano(environment);
  const { hasMindCluster } = presetOf(environment);
  return [
    ...(hasMindCluster ? [devicePlugin] : []),
    ...(isVolcano ? volcano : []),
    ...(isVolcano && hasMindCluster ? [clusterD] : []),
    ...(kind === "ascendJob" ? [operator] : []),
    ...(kind === "jobSet" ? [jobSet] : []),
  ];
}
