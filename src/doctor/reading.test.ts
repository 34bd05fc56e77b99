import { describe, expect, it } from "vitest";
import { changedNeeds, fittingFacts, withExisting } from "../../tests/cluster-facts.ts";
import { type Answer, type Connection, type Question, warningTexts } from "./connection.ts";
import { examine } from "./examine.ts";
import { told } from "./facts.ts";
import { gather } from "./gather.ts";
import { podRequests } from "./pod-demand.ts";
import { quantityNumber } from "./quantity.ts";
import { nodeFact, secretFact } from "./read-objects.ts";
import { rightQuestions } from "./rights.ts";
import { trialPod } from "./trials.ts";

const needs = changedNeeds("local-2x8");
const facts = fittingFacts(needs);
const anyDriver = () => ({ verdict: "supported", what: "" }) as const;

describe("quantities", () => {
  it.each([
    ["8", 8],
    ["500m", 0.5],
    ["600Gi", 600 * 2 ** 30],
    ["1e3", 1000],
    ["1.5k", 1500],
    ["2E", 2e18],
    [undefined, 0],
    ["many", 0],
  ])("%s is %d", (text, number) => expect(quantityNumber(text)).toBe(number));

  it("of a pod are those of its containers, or of the largest before them, and its overhead", () => {
    const container = (cpu: string) => ({ resources: { requests: { cpu } } });
    const pod = { containers: [container("1"), container("500m")], initContainers: [container("1"), container("4")] };
    expect(podRequests({ ...pod, overhead: { cpu: "250m" } })).toEqual({ cpu: 4.25 });
    expect(podRequests({ containers: [{ resources: { limits: { memory: "1Ki" } } }] })).toEqual({ memory: 1024 });
  });
});

describe("objects", () => {
  it("of nodes tell readiness once, and leave out taints that mean the same", () => {
    const taints = [
      { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
      { key: "team", value: "video", effect: "NoExecute" },
      { key: "soft", effect: "PreferNoSchedule" },
    ];
    const conditions = [{ type: "Ready", status: "Unknown" }];
    const metadata = { name: "a", annotations: { superPodID: 3 } };
    expect(nodeFact({ metadata, spec: { taints, unschedulable: true }, status: { conditions } })).toMatchObject({
      isReady: false,
      isCordoned: true,
      superPod: "3",
      taints: [{ key: "team", value: "video", effect: "NoExecute" }],
    });
  });

  it("of secrets lose their values", () => {
    const configuration = JSON.stringify({ auths: { "registry.example.com": { auth: "canary" } } });
    const data = { ".dockerconfigjson": Buffer.from(configuration).toString("base64"), token: "Y2FuYXJ5" };
    const fact = secretFact({ type: "kubernetes.io/dockerconfigjson", data });
    expect(fact.registries).toEqual(["registry.example.com"]);
    expect(JSON.stringify(fact)).not.toMatch(/canary|Y2FuYXJ5/);
    expect(secretFact({ type: "Opaque", data: { ".dockerconfigjson": "bm8=" } })).not.toHaveProperty("registries");
  });

  it("of warnings are read from their header", () => {
    expect(warningTexts('299 - "one, \\"two\\"", 299 - "three"')).toEqual(['one, "two"', "three"]);
    expect(warningTexts(undefined)).toEqual([]);
  });
});

describe("rights", () => {
  it("to create are not asked for a kind that is there in full", () => {
    const ask = (served: typeof facts) =>
      rightQuestions(needs, served)
        .filter(({ resource }) => resource === "namespaces")
        .map(({ verb }) => verb);
    expect(ask(facts)).toEqual(["get", "create", "patch", "delete"]);
    expect(ask(withExisting(facts, needs, "Namespace", needs.namespace))).toEqual(["get", "patch", "delete"]);
  });
});

describe("a trial pod", () => {
  const [pods] = needs.pods;
  if (pods === undefined) throw new Error("no pods");
  const spec = (seen: typeof facts) => trialPod(needs, seen, pods).spec;

  it("leaves out the account that is made with it, and keeps one that is there", () => {
    expect(spec(facts)).not.toHaveProperty("serviceAccountName");
    const there = withExisting(facts, needs, "ServiceAccount", "ascend-stacks-stage");
    expect(spec(there)).toMatchObject({ serviceAccountName: "ascend-stacks-stage" });
  });
});

describe("gathering", () => {
  const asked: Question[] = [];
  const answerTo = (path: string): Answer => {
    const found = (body: Answer["body"]): Answer => ({ status: 200, body, warnings: [] });
    if (path === "/version") return found({ gitVersion: "v1.34.1" });
    if (path === "/api/v1/nodes") return found({ items: [{ metadata: { name: "a" } }] });
    return { status: 404, body: { message: "not found" }, warnings: [] };
  };
  const connection: Connection = {
    server: "https://cluster.example.com",
    ask: (question) => {
      asked.push(question);
      return Promise.resolve(answerTo(question.path));
    },
  };

  it("asks a number of questions that does not grow with the nodes of the stack", async () => {
    await gather(connection, needs);
    const few = asked.splice(0).length;
    await gather(
      connection,
      changedNeeds("local-2x8", (environment) => {
        environment.cluster.nodes = 64;
        environment.runs["t2v-93x480p"].nodes = 64;
      }),
    );
    expect(asked).toHaveLength(few);
  });

  it("creates reviews and dry runs only", async () => {
    asked.splice(0);
    await gather(connection, needs);
    const kept = asked.filter(
      ({ create, query, path }) =>
        create !== undefined && query?.dryRun !== "All" && !/\/selfsubject(access)?reviews$/.test(path),
    );
    expect(asked.some(({ create }) => create !== undefined)).toBe(true);
    expect(kept).toEqual([]);
  });

  it("survives a cluster that answers nothing but that it is there", async () => {
    const found = examine(needs, await gather(connection, needs), anyDriver);
    expect(found.some(({ topic, severity }) => topic === "definitions" && severity === "error")).toBe(true);
  });
});

describe("all checks", () => {
  it("find nothing wrong where all fits, and sort by topic with the worst first", () => {
    const found = examine(needs, facts, anyDriver);
    expect(found.filter(({ severity }) => severity !== "ok")).toEqual([]);
    const spoilt = examine(needs, { ...facts, nodes: told([]), dnsServices: told(0) }, anyDriver);
    expect(spoilt.map(({ topic }) => topic)).toEqual(
      [...spoilt.map(({ topic }) => topic)].sort(
        (left, right) => found.findIndex((one) => one.topic === left) - found.findIndex((one) => one.topic === right),
      ),
    );
  });

  it("give every error a fix", () => {
    const empty = { ...facts, nodes: told([]), kinds: {}, storageClasses: told([]) };
    const errors = examine(needs, empty, anyDriver).filter(({ severity }) => severity === "error");
    expect(errors.length).toBeGreaterThan(3);
    expect(errors.filter(({ fix }) => fix === undefined || fix === "")).toEqual([]);
  });
});
