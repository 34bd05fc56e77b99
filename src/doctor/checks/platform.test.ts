import { describe, expect, it } from "vitest";
import { changedNeeds, fittingFacts } from "../../../tests/cluster-facts.ts";
import { type ClusterFacts, type RightFact, type TrialFact, told, untold } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { admissionFindings } from "./admission.ts";
import { clusterFindings } from "./cluster.ts";
import { definitionFindings } from "./definitions.ts";
import { networkFindings } from "./network.ts";
import { rightFindings } from "./rights.ts";
import { schedulerFindings } from "./scheduler.ts";

const bad = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity !== "ok");
const needs = changedNeeds("a2-ascendjob");
const facts = fittingFacts(needs);
const local = changedNeeds("local-2x8");
const superPod = changedNeeds("a3-superpod");

describe("cluster", () => {
  it.each([
    ["v1.34.1", []],
    ["v1.36.1", ["warning"]],
    ["v1.25.3", ["error"]],
    ["", []],
  ])("version %s", (version, severities) => {
    const found = clusterFindings(local, { ...fittingFacts(local), version });
    expect(bad(found).map(({ severity }) => severity)).toEqual(severities);
  });
});

describe("definitions", () => {
  const without = (group: string, versions?: readonly string[]): ClusterFacts => {
    const kinds = Object.fromEntries(Object.entries(facts.kinds).filter(([version]) => !version.startsWith(group)));
    const { [group]: _, ...groups } = facts.groups;
    return { ...facts, kinds, groups: versions === undefined ? groups : { ...groups, [group]: versions } };
  };

  it.each<[string, ClusterFacts, Partial<Finding> | undefined]>([
    ["all there", facts, undefined],
    ["no Ascend Operator", without("mindxdl.gitee.com"), { got: "no group mindxdl.gitee.com" }],
    [
      "another version",
      without("mindxdl.gitee.com", ["v2"]),
      { got: "mindxdl.gitee.com/v2", expected: "mindxdl.gitee.com/v1" },
    ],
    ["no Volcano", without("scheduling.volcano.sh"), { where: "PodGroup (scheduling.volcano.sh/v1beta1)" }],
  ])("%s", (_, spoilt, expected) => {
    const found = bad(definitionFindings(needs, spoilt));
    expect(found).toEqual(expected === undefined ? [] : [expect.objectContaining({ severity: "error", ...expected })]);
  });

  it("asks for the Prometheus Operator where observability is on", () => {
    const watched = changedNeeds("local", (environment) => {
      environment.observability = {};
    });
    const usual = fittingFacts(watched);
    const { "monitoring.coreos.com/v1": _, ...kinds } = usual.kinds;
    const found = bad(definitionFindings(watched, { ...usual, kinds }));
    expect(found.map(({ fix }) => fix)).toContain("install the Prometheus Operator, or remove observability");
  });
});

describe("scheduler", () => {
  const controllers = (namespace: string, value: ClusterFacts["controllers"][string]): ClusterFacts => ({
    ...facts,
    controllers: { ...facts.controllers, [namespace]: value },
  });
  const configuration = (text: string | undefined): ClusterFacts => ({ ...facts, volcanoConfiguration: told(text) });
  const queue = (value: ClusterFacts["queues"][string]): ClusterFacts => ({ ...facts, queues: { default: value } });

  it.each<[string, ClusterFacts, readonly string[]]>([
    ["all there", facts, []],
    ["no operator", controllers("mindx-dl", told([])), ["warning", "warning"]],
    [
      "an operator that does not run",
      controllers(
        "mindx-dl",
        told([
          { name: "ascend-operator-manager", wanted: 1, ready: 0 },
          { name: "clusterd", wanted: 1, ready: 1 },
        ]),
      ),
      ["error"],
    ],
    ["a namespace that may not be read", controllers("volcano-system", untold("forbidden")), ["warning", "warning"]],
    ["no configuration of Volcano", configuration(undefined), ["warning"]],
    ["Volcano without the plugin", configuration("plugins: [gang]"), ["error"]],
    ["no queue", queue(told(undefined)), ["error"]],
    ["a closed queue", queue(told({ state: "Closed", capability: {} })), ["error"]],
    ["a small queue", queue(told({ state: "Open", capability: { "huawei.com/Ascend910": 8 } })), ["error"]],
    ["a large queue", queue(told({ state: "Open", capability: { "huawei.com/Ascend910": 16 } })), []],
  ])("%s", (_, spoilt, severities) => {
    expect(bad(schedulerFindings(needs, spoilt)).map(({ severity }) => severity)).toEqual(severities);
  });

  it("needs no ClusterD where the plugin reads devices itself", () => {
    const text = 'volcano-npu_v26.0.0_linux-aarch64\narguments: {"useClusterInfoManager": "false"}';
    const operator = told([{ name: "ascend-operator-manager", wanted: 1, ready: 1 }]);
    const spoilt = { ...controllers("mindx-dl", operator), volcanoConfiguration: told(text) };
    expect(bad(schedulerFindings(needs, spoilt))).toEqual([]);
  });

  it.each([
    ["48", []],
    ["24", ["error"]],
  ])("reckons with super pods of %s nodes", (size, severities) => {
    const text = `volcano-npu_v26.0.0_linux-aarch64\narguments: {"super-pod-size": "${size}"}`;
    const found = schedulerFindings(superPod, { ...fittingFacts(superPod), volcanoConfiguration: told(text) });
    expect(bad(found).map(({ severity }) => severity)).toEqual(severities);
  });

  it.each([
    [true, []],
    [false, ["error"]],
  ])("finds the queue of Kueue: %s", (isThere, severities) => {
    const queued = changedNeeds("local", (environment) => {
      environment.queue = { kueue: "video" };
    });
    const found = schedulerFindings(queued, { ...fittingFacts(queued), localQueues: { video: told(isThere) } });
    expect(bad(found).map(({ severity }) => severity)).toEqual(severities);
  });
});

describe("network", () => {
  it.each<[string, ClusterFacts["dnsServices"], readonly string[]]>([
    ["a DNS", told(1), []],
    ["none", told(0), ["warning"]],
    ["nothing to be seen", untold("forbidden"), ["warning"]],
  ])("%s", (_, dnsServices, severities) => {
    const found = networkFindings(local, { ...fittingFacts(local), dnsServices });
    expect(bad(found).map(({ severity }) => severity)).toEqual(severities);
  });

  it("refuses the host network without its DNS policy", () => {
    const [first] = local.pods;
    if (first === undefined) throw new Error("no pods");
    const pod = { ...first.template.pod, hostNetwork: true };
    const open = { ...local, pods: [{ ...first, template: { ...first.template, pod } }] };
    expect(bad(networkFindings(open, facts))).toEqual([
      expect.objectContaining({ severity: "error", got: "dnsPolicy ClusterFirst" }),
    ]);
    const right = { ...pod, dnsPolicy: "ClusterFirstWithHostNet" };
    expect(
      bad(networkFindings({ ...open, pods: [{ ...first, template: { ...first.template, pod: right } }] }, facts)),
    ).toEqual([]);
  });
});

describe("rights", () => {
  const right = (resource: string, verb: string, isAllowed: boolean, group = ""): RightFact => ({
    group,
    resource,
    verb,
    isAllowed,
    namespace: "osp",
  });

  it.each<[readonly RightFact[], readonly string[]]>([
    [[right("jobs", "create", true, "batch")], []],
    [[right("jobs", "create", false, "batch")], ["error"]],
    [
      [right("jobs", "create", false, "batch"), right("jobs", "delete", false, "batch")],
      ["error", "warning"],
    ],
    [[right("configmaps", "delete", false)], ["warning"]],
    [[right("pods", "list", false)], ["warning"]],
    [[right("pods", "create", false)], ["warning"]],
    [[right("pods/log", "get", false)], ["warning"]],
  ])("%j", (rights, severities) => {
    expect(bad(rightFindings(needs, { ...facts, rights })).map(({ severity }) => severity)).toEqual(severities);
  });

  it("says which rule would grant them", () => {
    const [found] = rightFindings(needs, {
      ...facts,
      rights: [right("ascendjobs", "patch", false, "mindxdl.gitee.com")],
    });
    expect(found?.fix).toBe(
      "an administrator: kubectl create role ascend-ascendjobs --namespace osp --verb=patch --resource=ascendjobs.mindxdl.gitee.com; kubectl create rolebinding ascend-ascendjobs --namespace osp --role=ascend-ascendjobs --user=deployer",
    );
  });
});

describe("admission", () => {
  const trial = (change: Partial<TrialFact>): TrialFact => ({
    subject: "pod",
    where: "pod of Job x",
    isElsewhere: false,
    status: 201,
    message: "",
    warnings: [],
    ...change,
  });
  const podSecurity =
    'pods "x-1" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes (volume "driver")';

  it.each<[string, TrialFact, readonly string[]]>([
    ["admits", trial({}), []],
    ["warns", trial({ warnings: ["unknown annotation"] }), ["warning"]],
    ["refuses by Pod Security", trial({ status: 403, message: podSecurity }), ["error"]],
    ["refuses by a rule of the cluster", trial({ status: 403, message: "denied by policy" }), ["error"]],
    ["does not know a field", trial({ status: 422, message: "unknown field" }), ["error"]],
    ["leaves quotas to their own check", trial({ status: 403, message: "exceeded quota: team" }), []],
    [
      "hears nothing from another namespace",
      trial({ status: 403, message: podSecurity, isElsewhere: true }),
      ["warning"],
    ],
    [
      "hears of fields from any namespace",
      trial({ status: 422, message: "field", isElsewhere: true }),
      ["error", "warning"],
    ],
  ])("%s", (_, one, severities) => {
    const found = bad(admissionFindings(needs, { ...facts, trials: [one] }));
    expect(found.map(({ severity }) => severity).sort()).toEqual(severities);
    for (const { fix } of found) expect(fix).toBeTruthy();
  });

  it("says the same warning once", () => {
    const trials = [trial({ warnings: ["old"] }), trial({ where: "pod of Job y", warnings: ["old"] })];
    expect(bad(admissionFindings(needs, { ...facts, trials }))).toEqual([
      expect.objectContaining({ where: "pod of Job x, pod of Job y", got: "old" }),
    ]);
  });
});
