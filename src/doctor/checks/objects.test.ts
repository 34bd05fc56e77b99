import { describe, expect, it } from "vitest";
import type { EnvironmentData } from "../../../tests/changed-stack.ts";
import { changedNeeds, fittingFacts, withExisting } from "../../../tests/cluster-facts.ts";
import { type ClaimFact, type ClusterFacts, type SecretFact, told, untold } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { nameFindings } from "./names.ts";
import { namespaceFindings } from "./namespace.ts";
import { priorityFindings } from "./priority.ts";
import { quotaFindings } from "./quota.ts";
import { registryOf, secretFindings } from "./secrets.ts";
import { storageFindings } from "./storage.ts";

const bad = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity !== "ok");

function questions(stack: string, change?: (environment: EnvironmentData) => void) {
  const needs = changedNeeds(stack, change);
  return { needs, facts: fittingFacts(needs) };
}

const { needs, facts } = questions("local-2x8");

describe("namespace", () => {
  const there = (labels: Readonly<Record<string, string>>, isEnding = false): ClusterFacts => ({
    ...facts,
    namespace: told({ labels, isEnding }),
  });
  const level = (value: string) => ({ "pod-security.kubernetes.io/enforce": value });

  it.each<[string, ClusterFacts, string]>([
    ["is not there yet", facts, "ok"],
    ["is there", there(level("restricted")), "ok"],
    ["has no level", there({}), "ok"],
    ["admits more than is needed", there(level("privileged")), "ok"],
    ["ends", there({}, true), "error"],
    ["may not be read", { ...facts, namespace: untold("forbidden") }, "warning"],
  ])("%s", (_, spoilt, severity) => {
    expect(namespaceFindings(needs, spoilt).map((one) => one.severity)).toEqual([severity]);
  });

  it("is stricter than planned", () => {
    const open = changedNeeds("local-2x8", (environment) => {
      environment.storage.dataset = { nfs: { server: "10.1.2.3", path: "/clips" } };
    });
    expect(bad(namespaceFindings(open, there(level("restricted"))))).toEqual([
      expect.objectContaining({ severity: "warning", got: "restricted", expected: "baseline" }),
    ]);
  });
});

describe("names", () => {
  const job = "t2v-93x480p-pretrain";

  it("are free, or of the stack itself", () => {
    expect(bad(nameFindings(needs, withExisting(facts, needs, "Job", job)))).toEqual([]);
  });

  it.each([
    [{}, "without the labels of this stack"],
    [{ "app.kubernetes.io/name": "ascend-stacks", "app.kubernetes.io/instance": "other" }, "of other"],
  ])("are taken by somebody else with the labels %j", (labels, got) => {
    expect(bad(nameFindings(needs, withExisting(facts, needs, "Job", job, labels)))).toEqual([
      expect.objectContaining({
        severity: "error",
        where: `Job ${job}`,
        got,
        fix: expect.stringContaining("job.batch"),
      }),
    ]);
  });
});

describe("storage", () => {
  const claim = (change: Partial<ClaimFact> = {}): ClaimFact => ({
    name: "clips",
    phase: "Bound",
    accessModes: ["ReadWriteMany"],
    storageClass: "shared",
    isEnding: false,
    ...change,
  });
  const brought = questions("local-2x8", (environment) => {
    environment.storage.dataset = { claim: "clips", readOnly: true };
  });
  const own = questions("local-2x8", (environment) => {
    environment.storage.checkpoints = { claim: "clips" };
  });

  it.each<[string, readonly ClaimFact[], string | undefined]>([
    ["bound and shared", [claim()], undefined],
    ["absent", [], "the claim does not exist"],
    ["pending", [claim({ phase: "Pending" })], "no volume is bound"],
    ["without its volume", [claim({ phase: "Lost" })], "lost its volume"],
    ["ending", [claim({ isEnding: true })], "being deleted"],
    ["of one node", [claim({ accessModes: ["ReadWriteOnce"] })], "2 pods on as many nodes mount it"],
  ])("has a claim that is %s", (_, claims, what) => {
    const found = bad(storageFindings(own.needs, { ...own.facts, claims: told(claims) }));
    expect(found.map((one) => one.what)).toEqual(what === undefined ? [] : [expect.stringContaining(what)]);
  });

  it("lets many read a read-only claim, and a claim wait for its first pod", () => {
    const readable = told([claim({ accessModes: ["ReadOnlyMany"] })]);
    expect(bad(storageFindings(brought.needs, { ...brought.facts, claims: readable }))).toEqual([]);
    const late = [{ name: "late", provisioner: "x", isDefault: false, waitsForPod: true }];
    const classes = told([...(facts.storageClasses.isKnown ? facts.storageClasses.value : []), ...late]);
    const waiting = told([claim({ phase: "Pending", storageClass: "late" })]);
    expect(bad(storageFindings(brought.needs, { ...brought.facts, claims: waiting, storageClasses: classes }))).toEqual(
      [],
    );
  });

  it.each([
    ["fast", "its storage class does not exist"],
    [undefined, "the cluster has no default storage class"],
  ])("has no storage class %s", (storageClass, what) => {
    const asked = questions("local", (environment) => {
      environment.storage.weights = { size: "1Ti", ...(storageClass === undefined ? {} : { storageClass }) };
    });
    expect(bad(storageFindings(asked.needs, asked.facts))).toEqual([
      expect.objectContaining({ severity: "error", what, expected: "simulated, shared" }),
    ]);
  });

  it.each([
    ["10.1.2.3", []],
    ["nas.corp.net", []],
    ["localhost", ["error"]],
    ["127.0.0.1", ["error"]],
    ["nas.example.com", ["warning"]],
  ])("judges the file server %s", (server, severities) => {
    const asked = questions("local", (environment) => {
      environment.storage.dataset = { nfs: { server, path: "/clips" } };
    });
    expect(bad(storageFindings(asked.needs, asked.facts)).map(({ severity }) => severity)).toEqual(severities);
  });
});

describe("secrets", () => {
  const asked = questions("local", (environment) => {
    environment.image.pullSecrets = ["registry"];
    environment.runs["t2v-93x480p"].secretVariables = { HF_TOKEN: { secret: "hub", key: "token" } };
  });
  const docker = { type: "kubernetes.io/dockerconfigjson", keys: [".dockerconfigjson"] };
  const hub: SecretFact = { type: "Opaque", keys: ["token"] };

  it.each<[string, SecretFact | undefined, SecretFact | undefined, string | undefined]>([
    ["right", { ...docker, registries: ["https://registry.example.com/v1/"] }, hub, undefined],
    ["absent", undefined, hub, "the pull secret does not exist"],
    ["of another type", { type: "Opaque", keys: [] }, hub, "not of a type"],
    ["of another registry", { ...docker, registries: ["other.example.com"] }, hub, "no credentials for the image's"],
    ["without the secret of a variable", { ...docker, registries: ["registry.example.com"] }, undefined, "HF_TOKEN"],
    [
      "without the key of a variable",
      { ...docker, registries: ["registry.example.com"] },
      { type: "Opaque", keys: ["other"] },
      "HF_TOKEN",
    ],
  ])("are %s", (_, registry, variable, what) => {
    const secrets = { registry: told(registry), hub: told(variable) };
    const found = bad(secretFindings(asked.needs, { ...asked.facts, secrets }));
    expect(found.map((one) => one.what)).toEqual(what === undefined ? [] : [expect.stringContaining(what)]);
    for (const one of found) expect(one.fix).toContain("kubectl -n osp-t2v create secret");
  });

  it("warns when they may not be read", () => {
    const secrets = { registry: untold("forbidden"), hub: untold("forbidden") };
    const found = bad(secretFindings(asked.needs, { ...asked.facts, secrets }));
    expect(found.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
  });

  it.each([
    ["registry.example.com/a/b@sha256:0", "registry.example.com"],
    ["localhost:5000/a", "localhost:5000"],
    ["team/image", "docker.io"],
    ["image", "docker.io"],
  ])("takes from %s the registry %s", (image, registry) => expect(registryOf(image)).toBe(registry));
});

describe("priority", () => {
  it.each([
    ["team-high", ["team-high"], []],
    ["team-high", ["team-low"], ["error"]],
  ])("class %s among %j", (className, classes, severities) => {
    const asked = questions("local", (environment) => {
      environment.priority = { className };
    });
    const found = priorityFindings(asked.needs, { ...asked.facts, priorityClasses: told(classes) });
    expect(bad(found).map(({ severity }) => severity)).toEqual(severities);
  });

  it("does not ask for the class that the stack makes", () => {
    const asked = questions("local", (environment) => {
      environment.priority = { value: 1000 };
    });
    expect(priorityFindings(asked.needs, asked.facts)).toEqual([]);
  });
});

describe("quota", () => {
  const quota = (
    hard: Readonly<Record<string, number>>,
    used: Readonly<Record<string, number>> = {},
  ): ClusterFacts => ({
    ...facts,
    quotas: told([{ name: "team", hard, used }]),
  });
  const npus = "requests.huawei.com/Ascend910";

  it.each<[string, ClusterFacts, readonly string[]]>([
    ["is not there", facts, []],
    ["is large enough", quota({ [npus]: 16, pods: 10 }), []],
    ["speaks of other things", quota({ "count/widgets": 0 }), []],
    ["can never hold the training", quota({ [npus]: 8 }), ["it can never be created"]],
    ["is used up", quota({ [npus]: 16 }, { [npus]: 1 }), ["it is refused until others end"]],
    ["holds too few claims", quota({ persistentvolumeclaims: 2 }), ["too little persistentvolumeclaims"]],
  ])("%s", (_, spoilt, texts) => {
    expect(bad(quotaFindings(needs, spoilt)).map((one) => one.what)).toEqual(
      texts.map((text) => expect.stringContaining(text)),
    );
  });

  it("counts nothing for a training that is there", () => {
    const running = withExisting(quota({ [npus]: 16 }, { [npus]: 16 }), needs, "Job", "t2v-93x480p-pretrain");
    expect(bad(quotaFindings(needs, running))).toEqual([]);
  });
});
