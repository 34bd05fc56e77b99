/** Rules about what a cluster gives to pods: network, driver, resource, and the keys that workloads write themselves. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { Environment } from "../../config/schema.ts";
import { npuResourceName, presetOf, shapeOf } from "../../kubernetes/npus.ts";
import { ownedKeys } from "../mindcluster.ts";
import { gangSchedulerOf } from "./fault-rules.ts";
import { sources } from "./sources.ts";

/** A pod that is deleted by force leaves its ports on the node's network behind. */
export function hostNetworkForceProblems(environment: Environment): readonly Diagnostic[] {
  const scheduling = gangSchedulerOf(environment)?.faultTolerance.scheduling;
  if (environment.cluster.network.mode !== "hostNetwork" || scheduling !== "force") return [];
  return [
    {
      severity: "error",
      rule: "host-network-without-force",
      path: ["cluster", "scheduler", "faultTolerance", "scheduling"],
      what: "pods that are deleted by force cannot use the host network",
      got: "force with network.mode hostNetwork",
      allowed: "grace, off, or network.mode pod",
      nearest: ["grace"],
      source: sources.configuration,
    },
  ];
}

/** On the host network the pod's `eth0` is the node's, if it has one of that name at all. */
export function hostInterfaceProblems({ cluster: { network } }: Environment): readonly Diagnostic[] {
  if (network.mode !== "hostNetwork" || network.interface !== "eth0") return [];
  return [
    {
      severity: "warning",
      rule: "host-interface-named",
      path: ["cluster", "network", "interface"],
      what: "eth0 is the name inside a pod network; servers usually name their interfaces otherwise",
      got: network.interface,
      remedy: "set the name that `ip address` shows on the nodes",
      source: sources.configuration,
    },
  ];
}

/** The host network is a deviation with a reason that every plan shows. */
export function hostNetworkNotice({ cluster: { network } }: Environment): readonly Diagnostic[] {
  if (network.mode !== "hostNetwork") return [];
  return [
    {
      severity: "warning",
      rule: "host-network-reason",
      path: ["cluster", "network", "mode"],
      what: `training pods use the node's addresses and ports, because: ${network.reason ?? ""}`,
      got: network.mode,
      nearest: ["pod"],
      source: sources.configuration,
    },
  ];
}

/** Two pods of a job on one node would share its ports: the host network needs whole nodes. */
export function hostNetworkWholeNodeProblems(environment: Environment): readonly Diagnostic[] {
  const { npusPerNode } = shapeOf(environment);
  if (environment.cluster.network.mode !== "hostNetwork") return [];
  return Object.entries(environment.runs)
    .filter(([, run]) => (run.npusPerNode ?? npusPerNode) < npusPerNode)
    .map(([name, run]) => ({
      severity: "error",
      rule: "host-network-whole-nodes",
      path: ["runs", name, "npusPerNode"],
      what: "on the host network another pod on the node takes the same ports",
      got: `${run.npusPerNode ?? npusPerNode}`,
      allowed: `${npusPerNode}`,
      nearest: [`${npusPerNode}`],
      source: sources.configuration,
    }));
}

/** AscendJob is MindCluster's; other device plugins publish other resources that its operator does not count. */
export function presetProblems(environment: Environment): readonly Diagnostic[] {
  const { title, hasMindCluster } = presetOf(environment);
  if (hasMindCluster || environment.cluster.scheduler.kind !== "ascendJob") return [];
  return [
    {
      severity: "error",
      rule: "ascend-job-needs-mindcluster",
      path: ["cluster", "scheduler", "kind"],
      what: `the NPUs come from ${title} as ${npuResourceName(environment)}, which the Ascend Operator does not count`,
      got: "ascendJob",
      allowed: "job, jobSet or volcanoJob",
      nearest: ["volcanoJob"],
      source: sources.operatorVariables,
    },
  ];
}

/** Only the Kubernetes prefix rules apply to names; anything that is not of Huawei is more often a slip than a wish. */
export function resourceNameProblems(environment: Environment): readonly Diagnostic[] {
  const { resourceName } = environment.cluster;
  if (resourceName === undefined || resourceName.startsWith("huawei.com/")) return [];
  return [
    {
      severity: "warning",
      rule: "resource-name-vendor",
      path: ["cluster", "resourceName"],
      what: "no known device plugin publishes Ascend NPUs under this name",
      got: resourceName,
      nearest: [presetOf(environment).resourceName(shapeOf(environment))],
      source: sources.configuration,
    },
  ];
}

/** Labels and annotations that decide about placement and recovery have settings; written by hand as well, one would lose. */
export function ownedKeyProblems(environment: Environment): readonly Diagnostic[] {
  const { labels, cluster, runs } = environment;
  const places: readonly { readonly path: readonly string[]; readonly keys: Readonly<Record<string, string>> }[] = [
    { path: ["labels"], keys: labels },
    { path: ["cluster", "podLabels"], keys: cluster.podLabels },
    { path: ["cluster", "podAnnotations"], keys: cluster.podAnnotations },
    ...Object.entries(runs).map(([name, run]) => ({
      path: ["runs", name, "podAnnotations"],
      keys: run.podAnnotations,
    })),
  ];
  return places.flatMap(({ path, keys }) =>
    Object.keys(keys)
      .filter((key) => ownedKeys.includes(key))
      .map((key) => ({
        severity: "error" as const,
        rule: "owned-keys",
        path: [...path, key],
        what: "this key is written from the settings of the cluster and the run",
        got: key,
        remedy: "remove it; see cluster.scheduler, cluster.schedulePolicy, cluster.superPod and restarts",
        source: sources.configuration,
      })),
  );
}
