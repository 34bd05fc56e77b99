/** What is wrong or doubtful about the surroundings of the stages, once every object is known. */
import type { Diagnostic } from "../config/diagnostics.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { writablePaths } from "../kubernetes/pod-security.ts";
import { admits } from "../kubernetes/pod-security-level.ts";
import { podSpecs } from "../kubernetes/pod-templates.ts";
import { volumeRoles } from "../kubernetes/volumes.ts";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { namespaceLevel } from "./namespace.ts";
import { madeQueueName, schedulerQueue } from "./queues.ts";
import { quotaLimits } from "./quota.ts";
import { waiverProblems } from "./waivers.ts";

type Found = readonly Diagnostic[];

function levelProblems({ environment }: EnvironmentPlan, objects: readonly PlannedObject[]): Found {
  const manifests = objects.map(({ manifest }) => manifest);
  const { enforced, needed, reasons } = namespaceLevel(environment, manifests);
  const path = ["security", "podSecurity", "level"];
  const why = reasons.join("; ");
  if (!admits(enforced, needed)) {
    return [
      {
        severity: "error",
        rule: "pod-security-admits",
        path,
        what: `the namespace would refuse the stages' pods: ${why}`,
        got: enforced,
        allowed: `${needed} or looser`,
        nearest: [needed],
      },
    ];
  }
  if (needed === "restricted") return [];
  return [
    {
      severity: "warning",
      rule: "pod-security-level",
      path,
      what: `the namespace enforces ${enforced} rather than restricted: ${why}`,
    },
  ];
}

function networkProblems({ environment }: EnvironmentPlan, objects: readonly PlannedObject[]): Found {
  const { networkPolicy, observability } = environment;
  if (!networkPolicy.enabled) return [];
  const isOnHost = objects.some(({ manifest }) => podSpecs(manifest).some(({ hostNetwork }) => hostNetwork === true));
  const warning = (rule: string, key: string, what: string, remedy: string): Diagnostic => ({
    severity: "warning",
    rule,
    path: ["networkPolicy", key],
    what,
    remedy,
  });
  return [
    ...(isOnHost
      ? [
          warning(
            "network-policy-holds",
            "enabled",
            "network policies do not hold pods in the host's network; only those in the pod network are held",
            "use the pod network where the hosts allow it",
          ),
        ]
      : []),
    ...(observability !== undefined && networkPolicy.metricsFrom === undefined
      ? [
          warning(
            "metrics-reachable",
            "metricsFrom",
            "monitors are made, but no namespace may read metrics of stage pods",
            "name the labels of the namespace that Prometheus runs in",
          ),
        ]
      : []),
  ];
}

function quotaProblems(plan: EnvironmentPlan): Found {
  const limits = quotaLimits(plan);
  if (limits === undefined) return [];
  const needs = plan.stages.map(({ name, plan: stage }) => ({
    name,
    npus: stage.nodes * stage.npusPerNode,
    memoryGiB: stage.nodes * stage.resources.memoryGiB,
    processorCores: stage.nodes * stage.resources.processorCores,
    pods: stage.nodes,
  }));
  const fields = ["npus", "memoryGiB", "processorCores", "pods"] as const;
  const beyond = fields.flatMap((field) => {
    const largest = needs.reduce(
      (most, need) => (need[field] > most[field] ? need : most),
      needs[0] ?? { name: "", ...limits },
    );
    if (needs.length === 0 || largest[field] <= limits[field]) return [];
    const problem: Diagnostic = {
      severity: "error",
      rule: "quota-fits",
      path: ["quota", field],
      what: `the quota never admits the stage ${largest.name}`,
      got: `${limits[field]}`,
      allowed: `at least ${largest[field]}`,
      nearest: [`${largest[field]}`],
    };
    return [problem];
  });
  const wanted = needs.reduce((sum, { npus }) => sum + npus, 0);
  if (beyond.length > 0 || wanted <= limits.npus) return beyond;
  return [
    {
      severity: "warning",
      rule: "quota-shared",
      path: ["quota", "npus"],
      what: "the quota does not admit all NPU stages at once; those that come later wait",
      got: `${limits.npus}`,
      allowed: `${wanted} for all at once`,
    },
  ];
}

/** Kinds whose jobs Kueue admits, and kinds whose pods wait in Volcano's queues. */
const kueueKinds: readonly string[] = ["job", "jobSet"];
const volcanoKinds: readonly string[] = ["volcanoJob", "ascendJob"];

function queueProblems({ environment }: EnvironmentPlan): Found {
  const { queue, cluster } = environment;
  const { kind } = cluster.scheduler;
  const made = madeQueueName(environment);
  const used = schedulerQueue(environment);
  const problem = (rule: string, path: readonly string[], what: string, more: Partial<Diagnostic>): Diagnostic => ({
    severity: "error",
    rule,
    path: ["queue", ...path],
    what,
    ...more,
  });
  return [
    ...(queue.kueue !== undefined && !kueueKinds.includes(kind)
      ? [
          problem(
            "kueue-admits-kind",
            ["kueue"],
            `Kueue has no integration for the kind ${kind}; its jobs would never start`,
            {
              allowed: `cluster.scheduler.kind ${kueueKinds.join(" or ")}`,
              nearest: ["jobSet"],
            },
          ),
        ]
      : []),
    ...(made !== undefined && !volcanoKinds.includes(kind)
      ? [
          problem("queue-used", ["volcano"], `no pod of the kind ${kind} would wait in the queue`, {
            allowed: `cluster.scheduler.kind ${volcanoKinds.join(" or ")}`,
          }),
        ]
      : []),
    ...(made === "default"
      ? [
          problem("queue-own", ["volcano", "name"], "the queue default comes with Volcano and cannot be made again", {
            got: made,
            nearest: [`ascend-stacks-${environment.namespace}`],
            remedy: "name it here and in cluster.scheduler.queue",
          }),
        ]
      : []),
    ...(made !== undefined && used !== undefined && made !== used
      ? [
          problem("queue-used", ["volcano", "name"], "jobs wait in another queue than the one that is made", {
            got: made,
            allowed: `${used} (cluster.scheduler.queue)`,
            nearest: [used],
          }),
        ]
      : []),
  ];
}

function variableProblems({ environment, stages }: EnvironmentPlan): Found {
  return Object.entries(environment.runs).flatMap(([run, { secretVariables }]) => {
    const own = stages.filter(({ runs }) => runs.includes(run));
    return Object.keys(secretVariables)
      .filter((name) => own.some(({ plan }) => Object.hasOwn(plan.environment, name)))
      .map(
        (name): Diagnostic => ({
          severity: "error",
          rule: "variables-set-once",
          path: ["runs", run, "secretVariables", name],
          what: `${name} is set as an ordinary variable too`,
          remedy: "remove one of the two",
        }),
      );
  });
}

const isInside = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);

/** Writable folders are empty at the start, so none may cover what the pod needs. */
function pathProblems({ environment }: EnvironmentPlan): Found {
  const { storage, image, security } = environment;
  const needed = ["/etc/ascend-stacks", "/dev", "/proc", "/sys", "/usr", image.runtimeFolder, image.workingDirectory];
  const own = security.writablePaths.flatMap((path, index): Found => {
    const covered = needed.find((folder) => isInside(folder, path));
    if (covered === undefined) return [];
    const what = `an empty folder would cover ${covered}, which the pod needs`;
    return [
      {
        severity: "error",
        rule: "writable-covers-nothing",
        path: ["security", "writablePaths", index],
        what,
        got: path,
      },
    ];
  });
  const volumes = volumeRoles.flatMap((role): Found => {
    const { mountPath } = storage[role];
    const clash = writablePaths(environment).find((path) => path === mountPath || isInside(path, mountPath));
    if (clash === undefined || !security.readOnlyRootFilesystem) return [];
    const what = `the writable folder ${clash} would lie on the volume`;
    const path = ["storage", role, "mountPath"];
    return [
      { severity: "error", rule: "writable-covers-nothing", path, what, got: mountPath, nearest: [`/mnt/${role}`] },
    ];
  });
  return [...own, ...volumes];
}

/** Every finding about an environment and its objects. */
export function environmentProblems(plan: EnvironmentPlan, objects: readonly PlannedObject[]): Found {
  return [
    ...levelProblems(plan, objects),
    ...networkProblems(plan, objects),
    ...quotaProblems(plan),
    ...queueProblems(plan),
    ...variableProblems(plan),
    ...pathProblems(plan),
    ...waiverProblems(plan, objects),
  ];
}
