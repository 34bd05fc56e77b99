import { describe, expect, it } from "vitest";
import {
  type ClusterChange,
  changedEnvironment,
  gang,
  placed,
  type RunChange,
  schedulers,
} from "../../../tests/placed.ts";
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { PlannedStage } from "../../pipeline/pipeline.ts";
import * as cluster from "./cluster-rules.ts";
import * as fault from "./fault-rules.ts";
import * as placement from "./placement-rules.ts";
import { settingsProblems } from "./rules.ts";

/** Each rule over settings: what passes, what is found, with severity, nearest value and source. */

const superPodStack = "a3-superpod";
const summary = (found: readonly Diagnostic[]) =>
  found.map(({ severity, rule, got, nearest }) => [severity, rule, got, nearest?.[0]]);
const stagesOf = (change: ClusterChange, run: RunChange = {}, stack = "local-2x8"): readonly PlannedStage[] =>
  placed(change, run, stack).plan.stages;

/** Settings whose plan has no finding at all, and settings with the findings they give. */
const cases: readonly (readonly [string, ClusterChange, RunChange, string, readonly unknown[]])[] = [
  ["every kind with its defaults: job", { scheduler: schedulers.job }, {}, "local-2x8", []],
  ["every kind with its defaults: JobSet", { scheduler: schedulers.jobSet }, {}, "local-2x8", []],
  ["every kind with its defaults: Volcano Job", { scheduler: schedulers.volcanoJob }, {}, "local-2x8", []],
  ["every kind with its defaults: AscendJob", { scheduler: schedulers.ascendJob }, {}, "local-2x8", []],
  [
    "a misspelt policy",
    { schedulePolicy: "chip8-node-8" },
    {},
    "local-2x8",
    [["error", "schedule-policy-known", "chip8-node-8", "chip8-node8"]],
  ],
  [
    "a policy for other nodes",
    { schedulePolicy: "chip2-node16" },
    {},
    "local-2x8",
    [["error", "schedule-policy-fits-node", "chip2-node16", "chip8-node8"]],
  ],
  ["a policy for any node", { schedulePolicy: "multilevel" }, {}, "local-2x8", []],
  [
    "super pods on nodes without",
    { superPod: { block: 16 } },
    {},
    "local-2x8",
    [["error", "super-pod-present", "chip8-node8", undefined]],
  ],
  [
    "a block of half nodes",
    { superPod: { block: 24 } },
    { restarts: 0 },
    superPodStack,
    [["error", "super-pod-block-whole-nodes", "24", "16"]],
  ],
  [
    "a block that does not divide",
    { superPod: { block: 48 } },
    { restarts: 0 },
    superPodStack,
    [["error", "super-pod-block-divides", "48", "32"]],
  ],
  [
    "a block larger than a super pod",
    { superPod: { nodes: 2 } },
    { restarts: 0 },
    superPodStack,
    [["error", "super-pod-block-fits", "64", "32"]],
  ],
  [
    "smaller blocks",
    { superPod: { block: 32 } },
    {},
    superPodStack,
    [
      ["warning", "super-pod-blocks-meet-over-roce", "32", "64"],
      ["warning", "retry-documented", "3", undefined],
    ],
  ],
  [
    "a block beside a single pod",
    { superPod: { block: 32 } },
    { nodes: 1, restarts: 0 },
    superPodStack,
    [["error", "super-pod-block-single", "32", "16"]],
  ],
  [
    "affinity where nothing reads it",
    { scheduler: schedulers.jobSetOnVolcano, superPod: { affinity: "hard" } },
    {},
    superPodStack,
    [["error", "super-pod-affinity-kind", "hard", "ascendJob"]],
  ],
  ["retries on A3", {}, { restarts: 2 }, superPodStack, [["warning", "retry-documented", "2", undefined]]],
  ["no retries on A3", {}, { restarts: 0 }, superPodStack, []],
  [
    "process recovery",
    { scheduler: gang("ascendJob", { recoverStrategy: ["recover", "exit"] }) },
    {},
    "local-2x8",
    [["error", "recovery-fits-multimodal", "recover", "exit"]],
  ],
  [
    "every recovery that the documents exclude",
    {
      scheduler: gang("ascendJob", {
        recoverStrategy: ["retry", "recover-in-place", "elastic-training", "dump"],
        subHealth: "hotSwitch",
      }),
    },
    {},
    "local-2x8",
    [
      ["error", "recovery-fits-multimodal", "retry", "exit"],
      ["error", "recovery-fits-multimodal", "recover-in-place", "exit"],
      ["error", "recovery-fits-multimodal", "elastic-training", "exit"],
      ["error", "recovery-fits-multimodal", "dump", "exit"],
      ["error", "recovery-fits-multimodal", "hotSwitch", "graceExit"],
    ],
  ],
  [
    "an excluded recovery with a reason",
    { scheduler: gang("ascendJob", { recoverStrategy: ["recover"], acknowledge: "tried on our own adaptation" }) },
    {},
    "local-2x8",
    [["warning", "recovery-fits-multimodal", "recover", "exit"]],
  ],
  ["leaving a slow node", { scheduler: gang("ascendJob", { subHealth: "graceExit" }) }, {}, "local-2x8", []],
  [
    "process recovery on a Volcano Job",
    { scheduler: gang("volcanoJob", { recoverStrategy: ["exit"] }) },
    {},
    "local-2x8",
    [["error", "recovery-needs-operator", "exit", "ascendJob"]],
  ],
  ["a grace period", { scheduler: gang("ascendJob", { gracePeriodSeconds: 899 }) }, {}, "local-2x8", []],
  [
    "a grace period that the scheduler cuts",
    { scheduler: gang("ascendJob", { gracePeriodSeconds: 900 }) },
    {},
    "local-2x8",
    [["error", "grace-period-below-scheduler", "900", "600"]],
  ],
  [
    "a grace period that nothing waits for",
    { scheduler: gang("ascendJob", { gracePeriodSeconds: 300, scheduling: "force" }) },
    {},
    "local-2x8",
    [["warning", "grace-period-with-grace", "force", "grace"]],
  ],
  [
    "single pods recreated without rescheduling",
    { scheduler: gang("ascendJob", { podRescheduling: true, scheduling: "off" }) },
    {},
    "local-2x8",
    [["error", "pod-rescheduling-with-scheduling", "scheduling: off", "grace"]],
  ],
  [
    "single pods recreated",
    { scheduler: gang("ascendJob", { podRescheduling: true }) },
    {},
    "local-2x8",
    [["warning", "pod-rescheduling-needs-taskd", "true", "false"]],
  ],
  [
    "the host network with deletion by force",
    {
      scheduler: gang("ascendJob", { scheduling: "force" }),
      network: { mode: "hostNetwork", interface: "enp1s0", reason: "2000 nodes" },
    },
    {},
    "local-2x8",
    [
      ["error", "host-network-without-force", "force with network.mode hostNetwork", "grace"],
      ["warning", "host-network-reason", "hostNetwork", "pod"],
    ],
  ],
  [
    "the host network with the interface of a pod network",
    { network: { mode: "hostNetwork", interface: "eth0", reason: "2000 nodes" } },
    {},
    "local-2x8",
    [
      ["warning", "host-interface-named", "eth0", undefined],
      ["warning", "host-network-reason", "hostNetwork", "pod"],
    ],
  ],
  [
    "the host network with a part of a node",
    { network: { mode: "hostNetwork", interface: "enp1s0", reason: "2000 nodes" } },
    { npusPerNode: 4 },
    "local-2x8",
    [
      ["warning", "host-network-reason", "hostNetwork", "pod"],
      ["error", "host-network-whole-nodes", "4", "8"],
    ],
  ],
  [
    "AscendJob without MindCluster's device plugin",
    { scheduler: schedulers.ascendJob, resourcePreset: "cce" },
    {},
    "local-2x8",
    [["error", "ascend-job-needs-mindcluster", "ascendJob", "volcanoJob"]],
  ],
  ["Volcano Job on CCE", { scheduler: schedulers.volcanoJob, resourcePreset: "cce" }, {}, "local-2x8", []],
  [
    "a resource of another vendor",
    { resourceName: "nvidia.com/gpu" },
    {},
    "local-2x8",
    [["warning", "resource-name-vendor", "nvidia.com/gpu", "huawei.com/Ascend910"]],
  ],
  [
    "a key that the workload writes itself",
    { podAnnotations: { "sp-block": "16" }, podLabels: { "fault-scheduling": "force" } },
    {},
    "local-2x8",
    [
      ["error", "owned-keys", "fault-scheduling", undefined],
      ["error", "owned-keys", "sp-block", undefined],
    ],
  ],
];

describe("settings", () => {
  it.each(cases)("%s", (_, change, run, stack, expected) => {
    expect(summary(settingsProblems(placed(change, run, stack).plan))).toEqual(expected);
  });

  it("name the source of each finding, and a nearest value or what to do", () => {
    for (const [, change, run, stack] of cases) {
      for (const found of settingsProblems(placed(change, run, stack).plan)) {
        expect(found.source, found.rule).toMatch(/\S/);
        expect((found.nearest ?? []).length > 0 || found.remedy !== undefined, found.rule).toBe(true);
      }
    }
  });
});

describe("names of workloads", () => {
  const environment = changedEnvironment({ scheduler: schedulers.ascendJob });
  const [stage] = stagesOf({}).filter(({ plan }) => plan.kind === "npu");
  if (stage === undefined) throw new Error("no training");
  const problems = (name: string, scheduler: keyof typeof schedulers, nodes = 2) =>
    placement
      .workloadNameProblems({ ...environment, cluster: { ...environment.cluster, scheduler: schedulers[scheduler] } }, [
        { ...stage, name, plan: { ...stage.plan, nodes } },
      ])
      .map(({ rule, allowed }) => [rule, allowed]);

  it.each([
    ["ascendJob", 50, 2],
    ["volcanoJob", 56, 2],
    ["jobSet", 48, 2],
    ["jobSet", 46, 1000],
    ["job", 55, 2],
  ] as const)("%s takes %i characters for its pods", (kind, longest, nodes) => {
    expect(problems("a".repeat(longest), kind, nodes)).toEqual([]);
    expect(problems("a".repeat(longest + 1), kind, nodes)).toEqual([
      ["workload-name", `at most ${longest} characters, a letter first`],
    ]);
  });

  it("start with a letter, for Services do", () => {
    expect(problems("3-dit", "job")).toHaveLength(1);
  });
});

describe("sizes of gangs", () => {
  const [stage] = stagesOf({}).filter(({ plan }) => plan.kind === "npu");
  if (stage === undefined) throw new Error("no training");
  const problems = (scheduler: keyof typeof schedulers, nodes: number) =>
    summary(
      placement.gangSizeProblems(changedEnvironment({ scheduler: schedulers[scheduler] }), [
        { ...stage, plan: { ...stage.plan, nodes } },
      ]),
    );

  it("end where their controllers end", () => {
    expect(problems("volcanoJob", 1000)).toEqual([]);
    expect(problems("volcanoJob", 1001)).toEqual([["error", "gang-size", "1001", "1000"]]);
    expect(problems("ascendJob", 20_000)).toEqual([]);
    expect(problems("ascendJob", 20_001)).toEqual([["error", "gang-size", "20001", "20000"]]);
    expect(problems("job", 50_000)).toEqual([]);
  });
});

describe("two trainings of several nodes", () => {
  const [stage] = stagesOf({}).filter(({ plan }) => plan.kind === "npu");
  if (stage === undefined) throw new Error("no training");
  const two = [stage, { ...stage, name: "other-pretrain" }];

  it("are warned about when they cannot both be placed and nothing places them as a whole", () => {
    const small = changedEnvironment({ nodes: 2 });
    expect(summary(placement.gangProblems(small, two))).toEqual([
      ["warning", "gang-placed-whole", "4 nodes wanted, 2 there", undefined],
    ]);
    expect(placement.gangProblems(small, [stage])).toEqual([]);
    expect(placement.gangProblems(changedEnvironment({ nodes: 4 }), two)).toEqual([]);
    expect(placement.gangProblems(changedEnvironment({ nodes: 2, scheduler: schedulers.jobOnVolcano }), two)).toEqual(
      [],
    );
  });
});

it("rules of single subjects are functions of their own", () => {
  const environment = changedEnvironment({ scheduler: schedulers.job });
  for (const rule of [
    ...[placement.schedulePolicyProblems, fault.multimodalRecoveryProblems, fault.recoveryKindProblems],
    ...[fault.gracePeriodProblems, fault.podReschedulingProblems, fault.superPodAffinityProblems],
    ...[cluster.hostNetworkForceProblems, cluster.hostInterfaceProblems, cluster.presetProblems],
    ...[cluster.resourceNameProblems, cluster.ownedKeyProblems, cluster.hostNetworkWholeNodeProblems],
  ])
    expect(rule(environment)).toEqual([]);
});
