import { describe, expect, it } from "vitest";
import { placed, schedulers } from "../../../tests/placed.ts";
import { plannedStacks } from "../../../tests/stacks.ts";
import type { KubernetesObject } from "../../kubernetes/planned-object.ts";
import * as rules from "./object-rules.ts";
import { objectProblems } from "./rules.ts";

/** Each rule over finished objects: builders never break it, and a broken object is found. */

// biome-ignore lint/suspicious/noExplicitAny: tests break manifests at will
type Loose = any;

const broken = (
  kind: keyof typeof schedulers,
  change: (manifest: Loose) => void,
  stack = "local-2x8",
): KubernetesObject => {
  const manifest: Loose = JSON.parse(
    // Master and worker share one template in the plan; here each gets its own.
    JSON.stringify(placed({ scheduler: schedulers[kind] }, {}, stack).training.manifest),
  );
  change(manifest);
  return manifest;
};
const master = (manifest: Loose): Loose => manifest.spec.replicaSpecs.Master.template.spec;

it.each(plannedStacks)("no object of stack %s breaks a rule", (_, { objects }) => {
  expect(objectProblems(objects)).toEqual([]);
});

const cases: readonly (readonly [
  string,
  (manifest: KubernetesObject) => readonly unknown[],
  KubernetesObject,
  Loose,
])[] = [
  [
    "limits that differ from requests",
    rules.npuResourceProblems,
    broken("job", (manifest) => {
      manifest.spec.template.spec.containers[0].resources.limits["huawei.com/Ascend910"] = "4";
    }),
    { rule: "one-npu-resource" },
  ],
  [
    "two NPU resources",
    rules.npuResourceProblems,
    broken("jobSet", (manifest) => {
      const { resources } = manifest.spec.replicatedJobs[0].template.spec.template.spec.containers[0];
      resources.requests["huawei.com/npu"] = "8";
      resources.limits["huawei.com/npu"] = "8";
    }),
    { rule: "one-npu-resource", got: "huawei.com/Ascend910, huawei.com/npu" },
  ],
  [
    "no framework",
    rules.ascendJobFormProblems,
    broken("ascendJob", (manifest) => {
      delete manifest.metadata.labels.framework;
    }),
    { rule: "ascend-job-framework" },
  ],
  [
    "two masters",
    rules.ascendJobFormProblems,
    broken("ascendJob", (manifest) => {
      manifest.spec.replicaSpecs.Master.replicas = 2;
    }),
    { rule: "ascend-job-master" },
  ],
  [
    "a role of another framework",
    rules.ascendJobFormProblems,
    broken("ascendJob", (manifest) => {
      manifest.spec.replicaSpecs.Chief = manifest.spec.replicaSpecs.Worker;
    }),
    { rule: "ascend-job-roles" },
  ],
  [
    "another container name",
    rules.ascendJobFormProblems,
    broken("ascendJob", (manifest) => {
      master(manifest).containers[0].name = "main";
    }),
    { rule: "ascend-job-container" },
  ],
  [
    "no port",
    rules.ascendJobFormProblems,
    broken("ascendJob", (manifest) => {
      master(manifest).containers[0].ports[0].name = "rendezvous";
    }),
    { rule: "ascend-job-port" },
  ],
  [
    "no queue",
    rules.ascendJobFormProblems,
    broken("ascendJob", (manifest) => {
      manifest.spec.runPolicy.schedulingPolicy.queue = "";
    }),
    { rule: "ascend-job-queue" },
  ],
  [
    "a part of a gang of an AscendJob",
    rules.gangWholeProblems,
    broken("ascendJob", (manifest) => {
      manifest.spec.runPolicy.schedulingPolicy.minAvailable = 1;
    }),
    { rule: "gang-whole", got: "1", nearest: ["2"] },
  ],
  [
    "a part of a gang of a Volcano Job",
    rules.gangWholeProblems,
    broken("volcanoJob", (manifest) => {
      manifest.spec.minAvailable = 1;
    }),
    { rule: "gang-whole", got: "1", nearest: ["2"] },
  ],
  [
    "different node selectors",
    rules.nodeSelectorProblems,
    broken("ascendJob", (manifest) => {
      manifest.spec.replicaSpecs.Worker.template.spec.nodeSelector = { other: "label" };
    }),
    { rule: "same-node-selector" },
  ],
  ...["schedulingGates", "resourceClaims", "os", "hostUsers"].map(
    (field) =>
      [
        `pod field ${field}`,
        rules.prunedFieldProblems,
        broken("ascendJob", (manifest) => {
          master(manifest)[field] = field === "hostUsers" ? false : [{ name: "x" }];
        }),
        { rule: "pruned-field", got: field },
      ] as const,
  ),
  [
    "a native sidecar",
    rules.prunedFieldProblems,
    broken("ascendJob", (manifest) => {
      master(manifest).initContainers = [{ name: "side", image: "x", restartPolicy: "Always" }];
    }),
    { rule: "pruned-field", got: "initContainers.restartPolicy" },
  ],
  [
    "a gRPC probe",
    rules.prunedFieldProblems,
    broken("ascendJob", (manifest) => {
      master(manifest).containers[0].livenessProbe = { grpc: { port: 1 } };
    }),
    { rule: "pruned-field", got: "container ascend: livenessProbe.grpc" },
  ],
  [
    "an affinity by label keys",
    rules.prunedFieldProblems,
    broken("ascendJob", (manifest) => {
      const term = { topologyKey: "kubernetes.io/hostname", matchLabelKeys: ["x"] };
      master(manifest).affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    }),
    { rule: "pruned-field", got: "affinity.matchLabelKeys" },
  ],
  [
    "a variable of the operator",
    rules.operatorVariableProblems,
    broken("ascendJob", (manifest) => {
      master(manifest).containers[0].env.push({ name: "MINDX_TASK_ID", value: "1" });
    }),
    { rule: "operator-variable", got: "MINDX_TASK_ID" },
  ],
  [
    "the host network without an address",
    rules.hostAddressProblems,
    broken("job", (manifest) => {
      manifest.spec.template.spec.hostNetwork = true;
    }),
    { rule: "host-network-address" },
  ],
  [
    "pods of A3 that may share a node",
    rules.spreadProblems,
    broken(
      "ascendJob",
      (manifest) => {
        delete master(manifest).affinity;
      },
      "a3-superpod",
    ),
    { rule: "one-pod-a-node" },
  ],
  [
    "a rank table in a ConfigMap with recreated pods",
    rules.rankTableProblems,
    broken("ascendJob", (manifest) => {
      manifest.metadata.labels["pod-rescheduling"] = "on";
      master(manifest).volumes.push({ name: "ranktable", configMap: { name: "rings-config-x" } });
    }),
    { rule: "rank-table-with-pod-rescheduling", got: "rings-config-x" },
  ],
  [
    "a label that is no text",
    rules.labelTextProblems,
    broken("ascendJob", (manifest) => {
      manifest.metadata.labels["tor-affinity"] = null;
    }),
    { rule: "label-text", got: "null", nearest: ['"null"'] },
  ],
  [
    "the tag latest",
    rules.latestTagProblems,
    broken("job", (manifest) => {
      manifest.spec.template.spec.containers[0].image = `training:latest@sha256:${"0".repeat(64)}`;
    }),
    { rule: "image-tag", severity: "warning" },
  ],
];

describe("a broken object", () => {
  it.each(cases)("%s is found", (_, rule, manifest, expected) => {
    expect(rule(manifest)).toEqual([expect.objectContaining({ severity: "error", ...expected })]);
  });

  it("is found by a rule that stands in the list of all", () => {
    for (const [, rule] of cases) expect(rules.objectRules).toContain(rule);
    for (const rule of rules.objectRules) expect(cases.map(([, tested]) => tested)).toContain(rule);
  });

  it("names the source of the rule", () => {
    for (const [, rule, manifest] of cases) for (const found of rule(manifest)) expect(found).toHaveProperty("source");
  });
});
