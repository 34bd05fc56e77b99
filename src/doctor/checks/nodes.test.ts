import { describe, expect, it } from "vitest";
import { changedNeeds, fittingFacts, fittingNode } from "../../../tests/cluster-facts.ts";
import { type ClusterFacts, type NodeFact, told, untold } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { capacityFindings } from "./capacity.ts";
import { driverFindings } from "./driver.ts";
import { nodeFindings } from "./nodes.ts";

const training = "Job t2v-93x480p-pretrain";
const needs = changedNeeds("local-2x8");
const facts = fittingFacts(needs);
const node = (change: Partial<NodeFact> = {}, number = 1): NodeFact => ({ ...fittingNode(needs, number), ...change });
const withNodes = (...nodes: readonly NodeFact[]): ClusterFacts => ({ ...facts, nodes: told(nodes) });
const bad = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity !== "ok");
const labelled = (labels: Readonly<Record<string, string>>) => ({ ...node().labels, ...labels });
const npus = (count: number) => ({ ...node().allocatable, "huawei.com/Ascend910": count });
const taint = { key: "team", value: "video", effect: "NoSchedule" };

describe("nodes", () => {
  it("says how many fit when all is well", () => {
    expect(nodeFindings(needs, facts)).toEqual([
      { topic: "nodes", severity: "ok", where: training, what: "2 nodes can take its 2 pods" },
    ]);
  });

  it.each<[string, readonly NodeFact[], Partial<Finding>]>([
    ["none at all", [], { severity: "error", expected: "2 or more" }],
    ["one too few", [node()], { severity: "error", got: expect.stringContaining("1 of 1 nodes have") }],
    [
      "another label",
      [node(), node({ labels: labelled({ "accelerator-type": "card-910b-2" }) }, 2)],
      { severity: "error", fix: expect.stringContaining("accelerator-type=module-910b-8") },
    ],
    [
      "another architecture",
      [node(), node({ labels: labelled({ "kubernetes.io/arch": "amd64" }) }, 2)],
      { severity: "error", fix: expect.stringContaining("kubernetes.io/arch=arm64") },
    ],
    [
      "one that is not ready",
      [node(), node({ isReady: false }, 2)],
      { severity: "error", what: "nodes are not Ready" },
    ],
    [
      "a spare that is not ready",
      [node(), node({}, 2), node({ isReady: false }, 3)],
      { severity: "warning", where: "node-3" },
    ],
    ["a cordoned one", [node(), node({ isCordoned: true }, 2)], { severity: "error", fix: "kubectl uncordon node-2" }],
    [
      "a taint",
      [node(), node({ taints: [taint] }, 2)],
      { severity: "error", fix: "add to cluster.tolerations: { key: team, operator: Exists, effect: NoSchedule }" },
    ],
    [
      "no NPUs published",
      [node({ allocatable: { cpu: 192 } }), node({ allocatable: { cpu: 192 } }, 2)],
      { severity: "error", what: "no node publishes huawei.com/Ascend910", got: "no NPU resource" },
    ],
    [
      "NPUs under another name",
      [1, 2].map((number) => node({ allocatable: { "huawei.com/ascend-1980": 8 } }, number)),
      { severity: "error", fix: expect.stringContaining("cluster.resourceName to huawei.com/ascend-1980") },
    ],
    [
      "an unhealthy NPU",
      [node(), node({ allocatable: npus(7) }, 2)],
      { severity: "error", got: "7 huawei.com/Ascend910", expected: "8" },
    ],
    [
      "too little memory",
      [1, 2].map((number) => node({ allocatable: { ...npus(8), memory: 2 ** 30 } }, number)),
      { severity: "error", what: "too few nodes are large enough for its pods" },
    ],
  ])("finds %s", (_, nodes, expected) => {
    const [first] = bad(nodeFindings(needs, withNodes(...nodes)));
    expect(first).toEqual(expect.objectContaining(expected));
    expect(first?.fix).toBeTruthy();
  });

  it.each([
    { key: "team", operator: "Exists" },
    { key: "team", operator: "Equal", value: "video", effect: "NoSchedule" },
    { operator: "Exists" },
  ])("takes a taint that %j tolerates", (toleration) => {
    const tolerant = changedNeeds("local-2x8", (environment) => {
      environment.cluster.tolerations = [toleration];
    });
    expect(bad(nodeFindings(tolerant, withNodes(node({ taints: [taint] }), node({}, 2))))).toEqual([]);
  });

  it("finds A3 nodes among A2 nodes only where no label keeps pods off them", () => {
    const other = node(
      {
        allocatable: npus(16),
        labels: { ...labelled({ "accelerator-type": "module-a3-16" }), "node.kubernetes.io/npu.chip.name": "910C" },
      },
      3,
    );
    const mixed = withNodes(node(), node({}, 2), other);
    expect(bad(nodeFindings(needs, mixed))).toEqual([]);
    const open = changedNeeds("local-2x8", (environment) => {
      // `null` removes what the base selects.
      environment.cluster.nodeSelector = { "accelerator-type": null };
    });
    expect(bad(nodeFindings(open, mixed))).toEqual([
      expect.objectContaining({
        severity: "error",
        where: "node-3",
        fix: "add to cluster.nodeSelector: node.kubernetes.io/npu.chip.name: 910B3",
      }),
    ]);
  });

  it("says so when they may not be read", () => {
    expect(nodeFindings(needs, { ...facts, nodes: untold("forbidden") })).toEqual([
      expect.objectContaining({ severity: "warning", got: "forbidden" }),
    ]);
  });
});

describe("capacity", () => {
  const busy = (node: string, count: number) => ({ node, requests: { "huawei.com/Ascend910": count } });

  it.each([
    ["nothing runs", [], 0],
    ["small pods run elsewhere", [{ node: "node-1", requests: { cpu: 2 } }], 0],
    ["one NPU of one node is taken", [busy("node-2", 1)], 1],
    ["all are taken", [busy("node-1", 8), busy("node-2", 8)], 1],
  ])("when %s", (_, pods, warnings) => {
    const found = bad(capacityFindings(needs, { ...facts, pods: told(pods) }));
    expect(found).toHaveLength(warnings);
    for (const one of found)
      expect(one).toMatchObject({ severity: "warning", where: training, got: expect.stringContaining("have 8 free") });
  });

  it("adds up the pods of a node", () => {
    const pods = told([busy("node-1", 2), busy("node-1", 2)]);
    expect(bad(capacityFindings(needs, { ...facts, pods }))).toEqual([
      expect.objectContaining({ got: "huawei.com/Ascend910: 1 of 2 nodes have 8 free (12 in all)" }),
    ]);
  });

  it("leaves out what could never fit: the nodes tell that", () => {
    const found = capacityFindings(needs, withNodes(node()));
    expect(found.map(({ where }) => where)).not.toContain(training);
  });

  it("asks that the free nodes stand in super pods of the block's size", () => {
    const superPod = changedNeeds("a3-superpod");
    const count = superPod.environment.cluster.nodes;
    const spread = (pods: readonly string[]) => ({
      ...fittingFacts(superPod),
      nodes: told(pods.map((name, index) => ({ ...fittingNode(superPod, index + 1), superPod: name }))),
    });
    const where = "AscendJob t2v-93x480p-pretrain";
    const about = (found: readonly Finding[]) => found.filter((one) => one.where === where);
    const together = Array.from({ length: count }, () => "1");
    expect(about(capacityFindings(superPod, spread(together)))).toEqual([expect.objectContaining({ severity: "ok" })]);
    const apart = together.map((_, index) => String(index));
    expect(about(capacityFindings(superPod, spread(apart)))).toEqual([
      expect.objectContaining({ severity: "warning", what: expect.stringContaining("too few super pods") }),
    ]);
  });
});

describe("driver", () => {
  const driver = (version: string) => node({ labels: labelled({ "huawei.com/driver.version": version }) }, 2);
  const judge = (version: string) =>
    version === "25.5.0"
      ? ({ verdict: "supported", what: "" } as const)
      : ({ verdict: version === "20" ? "impossible" : "untested", what: "does not fit", expected: "25.5" } as const);

  it.each([
    ["the same everywhere", [node(), node({}, 2)], []],
    ["one that nobody tested", [node(), driver("24.1")], ["warning", "warning"]],
    ["one that cannot work", [driver("20")], ["error"]],
    ["none that is told", [node({ labels: { ...node().labels, "huawei.com/driver.version": "" } })], ["warning"]],
  ])("%s", (_, nodes, severities) => {
    const silent = nodes.map((one) => {
      const { "huawei.com/driver.version": version, ...labels } = one.labels;
      return version === "" ? { ...one, labels } : one;
    });
    expect(bad(driverFindings(needs, withNodes(...silent), judge)).map(({ severity }) => severity)).toEqual(severities);
  });
});
