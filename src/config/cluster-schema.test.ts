import { describe, expect, it } from "vitest";
import { clusterSchema } from "./cluster-schema.ts";

/** What the cluster section takes and what it refuses, with the place of the mistake. */

const base = { nodeShape: "atlas-800t-a2", nodes: 2 };

const valid: readonly (readonly [string, object])[] = [
  ["the least", {}],
  ["a Job whose pods Volcano places", { scheduler: { kind: "job", schedulerName: "volcano" } }],
  ["a JobSet", { scheduler: { kind: "jobSet" } }],
  ["a Volcano Job in a queue", { scheduler: { kind: "volcanoJob", queue: "video" } }],
  [
    "an AscendJob with everything",
    {
      scheduler: {
        kind: "ascendJob",
        queue: "video",
        torAffinity: "large-model-schema",
        faultTolerance: {
          scheduling: "force",
          gracePeriodSeconds: 300,
          podRescheduling: true,
          subHealth: "forceExit",
          recoverStrategy: ["exit"],
          acknowledge: "tried on our cluster",
        },
      },
    },
  ],
  ["the host network with a reason", { network: { mode: "hostNetwork", interface: "enp1s0", reason: "2000 nodes" } }],
  ["a super pod", { nodeShape: "atlas-900-a3-superpod", superPod: { block: 32, nodes: 48, affinity: "hard" } }],
  ["CCE", { resourcePreset: "cce" }],
  ["HAMi with a resource of its own", { resourcePreset: "hami", resourceName: "huawei.com/Ascend910B2" }],
  ["driver mounts", { driverMounts: true }],
];

const invalid: readonly (readonly [string, object, string])[] = [
  ["another kind", { scheduler: { kind: "pytorchJob" } }, "scheduler.kind"],
  ["a queue of a Job", { scheduler: { kind: "job", queue: "video" } }, "scheduler"],
  ["an empty queue", { scheduler: { kind: "ascendJob", queue: "" } }, "scheduler.queue"],
  ["another scheduler", { scheduler: { kind: "job", schedulerName: "kueue" } }, "scheduler.schedulerName"],
  [
    "fault tolerance of a JobSet",
    { scheduler: { kind: "jobSet", faultTolerance: { scheduling: "grace" } } },
    "scheduler",
  ],
  [
    "a recovery that nobody knows",
    { scheduler: { kind: "ascendJob", faultTolerance: { recoverStrategy: ["rewind"] } } },
    "scheduler.faultTolerance.recoverStrategy.0",
  ],
  ["a time to live", { scheduler: { kind: "ascendJob", ttlSecondsAfterFinished: 60 } }, "scheduler"],
  [
    "the switch affinity as YAML null",
    { scheduler: { kind: "ascendJob", torAffinity: null } },
    "scheduler.torAffinity",
  ],
  ["the host network without a reason", { network: { mode: "hostNetwork" } }, "network.reason"],
  ["a reason without the host network", { network: { reason: "habit" } }, "network.reason"],
  ["a preset of another vendor", { resourcePreset: "nvidia" }, "resourcePreset"],
  ["a block of nothing", { superPod: { block: 0 } }, "superPod.block"],
];

describe("the cluster section", () => {
  it.each(valid)("takes %s", (_, change) => {
    expect(clusterSchema.safeParse({ ...base, ...change }).success).toBe(true);
  });

  it.each(invalid)("refuses %s", (_, change, path) => {
    const result = clusterSchema.safeParse({ ...base, ...change });
    expect(result.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });

  it("writes its defaults out", () => {
    expect(clusterSchema.parse({ ...base, scheduler: { kind: "ascendJob" } })).toMatchObject({
      resourcePreset: "mindcluster",
      network: { mode: "pod", interface: "eth0" },
      driverMounts: false,
      scheduler: {
        kind: "ascendJob",
        queue: "default",
        faultTolerance: { scheduling: "grace", podRescheduling: false, subHealth: "ignore", recoverStrategy: [] },
      },
    });
    expect(clusterSchema.parse(base).scheduler).toEqual({ kind: "job" });
  });
});
