/** Rules about where pods go: policies, super pods, gangs, names. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import { nearestWords } from "../../config/nearest.ts";
import type { Environment } from "../../config/schema.ts";
import { isSchedulePolicy, isSuperPodPolicy, schedulePolicies } from "../../hardware/schedule-policies.ts";
import { isPlacedByVolcano, schedulePolicyOf, shapeOf } from "../../kubernetes/npus.ts";
import type { PlannedStage } from "../../pipeline/pipeline.ts";
import { superPodBlock, totalNpus } from "../mindcluster.ts";
import { sources } from "./sources.ts";

const npuStages = (stages: readonly PlannedStage[]): readonly PlannedStage[] =>
  stages.filter(({ plan }) => plan.kind === "npu");

/** A misspelt policy is not refused by the plugin: the job is placed by the rules of the Ascend 910A. */
export function schedulePolicyProblems(environment: Environment): readonly Diagnostic[] {
  const policy = schedulePolicyOf(environment);
  const { npusPerNode, product, schedulePolicy } = shapeOf(environment);
  const path = ["cluster", "schedulePolicy"];
  if (!isSchedulePolicy(policy)) {
    const known = Object.keys(schedulePolicies);
    return [
      {
        severity: "error",
        rule: "schedule-policy-known",
        path,
        what: "the scheduler's plugin does not know this policy and would place the job by the rules of the Ascend 910A",
        got: policy,
        allowed: known.join(", "),
        nearest: [nearestWords(policy, known, 1)[0] ?? schedulePolicy],
        source: sources.policyTable,
      },
    ];
  }
  const size: number = schedulePolicies[policy];
  if (size === 0 || size === npusPerNode) return [];
  return [
    {
      severity: "error",
      rule: "schedule-policy-fits-node",
      path,
      what: `the policy is for nodes of ${size} NPUs, and ${product} has ${npusPerNode}`,
      got: policy,
      allowed: "a policy for such nodes",
      nearest: [schedulePolicy],
      source: sources.policyTable,
    },
  ];
}

/** Divisors of the whole training that a block may have: whole nodes, and no more of them than stand in one super pod. */
const legalBlocks = (total: number, npusPerNode: number, superPodNodes: number): readonly number[] =>
  Array.from({ length: superPodNodes }, (_, index) => (index + 1) * npusPerNode).filter((block) => total % block === 0);

/** Super pods: blocks are whole nodes, divide the training, and fit into one super pod; a single pod is its own block. */
export function superPodProblems(environment: Environment, stages: readonly PlannedStage[]): readonly Diagnostic[] {
  const { superPod } = environment.cluster;
  const { npusPerNode, superPodNodes = 48, product } = shapeOf(environment);
  const path = ["cluster", "superPod", "block"];
  if (!isSuperPodPolicy(schedulePolicyOf(environment))) {
    return superPod.block === undefined && superPod.affinity === undefined
      ? []
      : [
          {
            severity: "error",
            rule: "super-pod-present",
            path: ["cluster", "superPod"],
            what: `${product} is not placed in super pods`,
            got: schedulePolicyOf(environment),
            allowed: "a scheduling policy that ends in -sp",
            remedy: "remove superPod, or choose the node shape atlas-900-a3-superpod",
            source: sources.superPod,
          },
        ];
  }
  const nodesOfSuperPod = superPod.nodes ?? superPodNodes;
  return npuStages(stages).flatMap((stage): readonly Diagnostic[] => {
    const total = totalNpus(stage);
    const block = superPodBlock(environment, stage);
    const error = (rule: string, what: string, allowed: string, nearest: readonly number[]): Diagnostic => ({
      severity: "error",
      rule,
      path,
      what: `${stage.name}: ${what}`,
      got: `${block}`,
      allowed,
      nearest: nearest.map(String),
      source: sources.superPod,
    });
    if (stage.plan.nodes === 1) {
      return block === total
        ? []
        : [error("super-pod-block-single", "a single pod is one block by itself", `${total}`, [total])];
    }
    const legal = [...legalBlocks(total, npusPerNode, nodesOfSuperPod)].sort(
      (left, right) => Math.abs(left - block) - Math.abs(right - block),
    );
    if (block % npusPerNode !== 0)
      return [
        error(
          "super-pod-block-whole-nodes",
          "a block is made of whole nodes",
          `a multiple of ${npusPerNode}`,
          legal.slice(0, 2),
        ),
      ];
    if (total % block !== 0)
      return [
        error(
          "super-pod-block-divides",
          `blocks must share the ${total} NPUs evenly`,
          `a divisor of ${total}`,
          legal.slice(0, 2),
        ),
      ];
    if (block / npusPerNode > nodesOfSuperPod)
      return [
        error(
          "super-pod-block-fits",
          `a block of ${block / npusPerNode} nodes does not fit into a super pod of ${nodesOfSuperPod}`,
          `at most ${nodesOfSuperPod * npusPerNode}`,
          legal.slice(0, 2),
        ),
      ];
    if (block === total) return [];
    return [
      {
        severity: "warning",
        rule: "super-pod-blocks-meet-over-roce",
        path,
        what: `${stage.name}: its ${total / block} blocks reach each other over RoCE only, which must be cabled between their nodes`,
        got: `${block}`,
        nearest: [`${total}`],
        source: "FAQ 377 of MindCluster",
      },
    ];
  });
}

/** Pods of several trainings that nobody places as a whole can each hold half of what the other waits for. */
export function gangProblems(environment: Environment, stages: readonly PlannedStage[]): readonly Diagnostic[] {
  if (isPlacedByVolcano(environment)) return [];
  const several = npuStages(stages).filter(({ plan }) => plan.nodes > 1);
  const wanted = several.reduce((sum, { plan }) => sum + plan.nodes, 0);
  if (several.length < 2 || wanted <= environment.cluster.nodes) return [];
  return [
    {
      severity: "warning",
      rule: "gang-placed-whole",
      path: ["cluster", "scheduler"],
      what: `${several.map(({ name }) => name).join(" and ")} can each hold nodes that the other waits for, for nothing places them as a whole`,
      got: `${wanted} nodes wanted, ${environment.cluster.nodes} there`,
      remedy: "set scheduler.schedulerName to volcano, choose volcanoJob or ascendJob, or start one after the other",
      source: "Kubernetes, the default scheduler places pod by pod",
    },
  ];
}

/** Largest number of nodes of one job. Source: MindCluster 26.0.0 for Volcano Jobs; ascendjob_validate.go for AscendJobs. */
const largestGang: Readonly<Partial<Record<string, number>>> = { volcanoJob: 1000, ascendJob: 20_000 };

/** Jobs that are larger than their controller takes. */
export function gangSizeProblems(environment: Environment, stages: readonly PlannedStage[]): readonly Diagnostic[] {
  const { kind } = environment.cluster.scheduler;
  const largest = largestGang[kind];
  if (largest === undefined) return [];
  return npuStages(stages)
    .filter(({ plan }) => plan.nodes > largest)
    .map(({ plan }) => ({
      severity: "error",
      rule: "gang-size",
      path: ["runs", plan.run, "nodes"],
      what: `a ${kind} cannot have this many pods`,
      got: `${plan.nodes}`,
      allowed: `at most ${largest}`,
      nearest: [`${largest}`],
      source: kind === "volcanoJob" ? sources.affinity : sources.operatorValidation,
    }));
}

/** Characters that a kind's controller adds to a stage's name in the names of its pods; digits of the last index are counted apart. */
const podNameSuffix: Readonly<Record<string, number>> = {
  job: "--xxxxx".length,
  jobSet: "-node-0--xxxxx".length,
  volcanoJob: "-node-".length,
  ascendJob: "-master-".length,
};

/** Longest name of an AscendJob: names of its Service and its PodGroup are made from it. */
const longestAscendJobName = 50;

/** Names of workloads: pods, Services and gangs are named after them. */
export function workloadNameProblems(environment: Environment, stages: readonly PlannedStage[]): readonly Diagnostic[] {
  const { kind } = environment.cluster.scheduler;
  return npuStages(stages).flatMap(({ name, plan }): readonly Diagnostic[] => {
    const digits = String(plan.nodes - 1).length;
    const longest = Math.min(
      63 - (podNameSuffix[kind] ?? 0) - digits,
      kind === "ascendJob" ? longestAscendJobName : 63,
    );
    const isStartedByLetter = /^[a-z]/.test(name);
    if (name.length <= longest && isStartedByLetter) return [];
    return [
      {
        severity: "error",
        rule: "workload-name",
        path: ["runs", plan.run],
        what: isStartedByLetter
          ? "the name is too long for its pods"
          : "the name of a Service must start with a letter",
        got: `${name} (${name.length} characters)`,
        allowed: `at most ${longest} characters, a letter first`,
        remedy: "give the run another name",
        source: sources.podNames,
      },
    ];
  });
}
