/**
 * The stand-in behind the real CLI, against a real API server with real controllers; only containers are simulated. The cases are
 * the official provider's documented rules.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../engine.ts";
import { startVirtualCluster, type VirtualCluster, wipeVirtualCluster } from "../virtual-cluster/cluster.ts";
import { simulationAnnotations } from "../virtual-cluster/simulation.ts";
import { type ApiClient, connect } from "./api-client.ts";
import {
  createProject,
  fail,
  program,
  pulumi,
  standInEngine,
  stateFiles,
  stateOf,
  succeed,
  type TestProject,
  up,
} from "./e2e-project.ts";
import { hasStatus } from "./errors.ts";
import { isObject, type JsonObject, listAt, textAt, valueAt } from "./json.ts";
import { readKubeconfig } from "./kubeconfig.ts";

let folder = "";
let cluster: VirtualCluster;
let api: ApiClient;
let engine: Engine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stand-in-"));
  cluster = await startVirtualCluster({
    name: "stand-in-test",
    nodes: 1,
    shape: "atlas-800t-a2",
    root: join(folder, "clusters"),
  });
  api = connect(readKubeconfig({ kubeconfig: cluster.kubeconfig, context: undefined }, {}));
  engine = await standInEngine(join(folder, "engine"), cluster.kubeconfig);
});

afterAll(async () => {
  await wipeVirtualCluster("stand-in-test", join(folder, "clusters"));
  rmSync(folder, { recursive: true, force: true });
});

/** A project, and a namespace of the same name that is there already. */
async function projectIn(name: string): Promise<TestProject> {
  await api({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name } } });
  return createProject(engine, folder, name);
}

/** An object of the cluster, or undefined. */
const get = (path: string): Promise<JsonObject | undefined> =>
  api({ method: "GET", path }).catch((error: unknown) => {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  });

const uidOf = async (path: string): Promise<string | undefined> => textAt(await get(path), "metadata", "uid");

/** The source of a Job. Without a duration its Pod runs on. */
function job(
  name: string,
  namespace: string,
  { run = "", exitCode = 0, annotations = {}, image = "a", spec = "", options = "" }: JobOptions = {},
): string {
  const simulated =
    run === "" ? {} : { [simulationAnnotations.runDuration]: run, [simulationAnnotations.exitCode]: String(exitCode) };
  return `new k8s.batch.v1.Job("${name}", {
    metadata: { name: "${name}", namespace: "${namespace}", annotations: ${JSON.stringify(annotations)} },
    spec: { backoffLimit: 0, ${spec} template: {
      metadata: { annotations: ${JSON.stringify(simulated)} },
      spec: { restartPolicy: "Never", tolerations: [{ operator: "Exists" }], containers: [{ name: "c", image: "${image}" }] },
    } },
  }, { ${options} });\n`;
}

interface JobOptions {
  readonly run?: string;
  readonly exitCode?: number;
  readonly annotations?: JsonObject;
  readonly image?: string;
  readonly spec?: string;
  readonly options?: string;
}

const jobPath = (namespace: string, name: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
const settingsPath = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/configmaps/${name}`;

const settings = (name: string, namespace: string, more = ""): string =>
  `new k8s.core.v1.ConfigMap("${name}", { metadata: { name: "${name}", namespace: "${namespace}" }, data: { key: "value" } }${more});\n`;

describe("create, update, delete", () => {
  it("makes a namespace and what is in it, changes nothing the second time, and removes it all", async () => {
    const project = await createProject(engine, folder, "lifecycle");
    const text = `
      const namespace = new k8s.core.v1.Namespace("made", { metadata: { name: "lifecycle" } });
      const inside = { metadata: { namespace: namespace.metadata.name } };
      const config = new k8s.core.v1.ConfigMap("config", { ...inside, data: { key: "value" } });
      new k8s.core.v1.Service("meeting", { metadata: { namespace: "lifecycle", name: "meeting" },
        spec: { clusterIP: "None", selector: { a: "b" }, ports: [{ port: 29500 }] } }, { dependsOn: namespace });
      export const name = config.metadata.name;
      export const uid = config.metadata.uid;`;
    program(project, text);
    await succeed(pulumi(project, "up", "--yes"));
    const name = textAt((await stateOf(project)).config, "outputs", "metadata", "name") ?? "";
    expect(name).toMatch(/^config-[0-9a-f]{8}$/);
    expect((await stateOf(project)).config?.id).toBe(`lifecycle/${name}`);
    const output = (await succeed(pulumi(project, "stack", "output", "uid"))).trim();
    expect(output).toBe(await uidOf(settingsPath("lifecycle", name)));

    expect(await succeed(pulumi(project, "up", "--yes", "--expect-no-changes"))).toContain("4 unchanged");
    expect(await succeed(pulumi(project, "refresh", "--yes", "--expect-no-changes"))).toContain("4 unchanged");
    await succeed(pulumi(project, "destroy", "--yes", "--skip-preview"));
    expect(await get("/api/v1/namespaces/lifecycle")).toBeUndefined();
  });

  it("updates in place what may change, and takes away what the program no longer says", async () => {
    const project = await projectIn("in-place");
    const service = (port: number, labels: string): string =>
      `new k8s.core.v1.Service("s", { metadata: { name: "s", namespace: "in-place", labels: ${labels} },
        spec: { clusterIP: "None", selector: { a: "b" }, ports: [{ port: ${port} }] } });`;
    const path = "/api/v1/namespaces/in-place/services/s";
    await succeed(up(project, service(29500, `{ one: "1", two: "2" }`)));
    const uid = await uidOf(path);
    program(project, service(29501, `{ two: "3" }`));
    expect(await succeed(pulumi(project, "preview", "--diff"))).toContain("29500 => 29501");
    await succeed(pulumi(project, "up", "--yes", "--skip-preview"));
    const live = await get(path);
    expect(textAt(live, "metadata", "uid")).toBe(uid);
    expect(valueAt(live, "metadata", "labels")).toEqual({ two: "3" });
    expect(listAt(live, "spec", "ports").map((port) => valueAt(port, "port"))).toEqual([29501]);
  });

  it("does not take over an object that is already there", async () => {
    const project = await projectIn("conflict");
    await api({
      method: "POST",
      path: "/api/v1/namespaces/conflict/configmaps",
      body: { metadata: { name: "taken" }, data: { by: "somebody" } },
    });
    const output = await fail(up(project, settings("taken", "conflict")));
    expect(output).toContain("The API server refused to create ConfigMap conflict/taken (409 AlreadyExists)");
    expect(output).toContain("take it over with the import option");
    expect(valueAt(await get(settingsPath("conflict", "taken")), "data")).toEqual({ by: "somebody" });
    expect((await stateOf(project)).taken).toBeUndefined();
  });

  it("replaces a named Job by deleting it first, and an auto-named ConfigMap by making the new one first", async () => {
    const project = await projectIn("replace");
    const text = (image: string, value: string): string =>
      job("run", "replace", { image, annotations: { "pulumi.com/waitFor": "jsonpath={.status.startTime}" } }) +
      `new k8s.core.v1.ConfigMap("c", { metadata: { namespace: "replace" }, data: { key: "${value}" } });`;
    await succeed(up(project, text("a", "1")));
    const before = await stateOf(project);
    const uid = await uidOf(jobPath("replace", "run"));
    program(project, text("b", "2"));
    // The engine prints the changes in the order in which it makes them.
    const output = await succeed(pulumi(project, "up", "--yes", "--skip-preview"));
    expect(output).toMatch(/Job run deleting[\s\S]*Job run creating/);
    expect(await uidOf(jobPath("replace", "run"))).not.toBe(uid);
    const after = await stateOf(project);
    expect(after.c?.id).not.toBe(before.c?.id);
    expect(await get(settingsPath("replace", String(before.c?.id).split("/")[1] ?? ""))).toBeUndefined();
  });

  it("keeps ConfigMaps in place when the provider says that they are mutable", async () => {
    const project = await projectIn("mutable");
    const text = (value: string): string => `
      const provider = new k8s.Provider("p", { enableConfigMapMutable: true, namespace: "mutable" });
      new k8s.core.v1.ConfigMap("c", { data: { key: "${value}" } }, { provider });`;
    await succeed(up(project, text("1")));
    const id = String((await stateOf(project)).c?.id);
    await succeed(up(project, text("2")));
    expect((await stateOf(project)).c?.id).toBe(id);
    expect(valueAt(await get(settingsPath("mutable", id.split("/")[1] ?? "")), "data", "key")).toBe("2");
  });

  it("refuses to fight for a field that somebody else applied, unless told to", async () => {
    const project = await projectIn("fields");
    await succeed(
      up(project, `new k8s.core.v1.Namespace("n", { metadata: { name: "fields-own", labels: { a: "1" } } });`),
    );
    const query = { fieldManager: "somebody", force: "true" };
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "fields-own", labels: { a: "2" } } };
    await api({
      method: "PATCH",
      path: "/api/v1/namespaces/fields-own",
      query,
      body,
      contentType: "application/apply-patch+yaml",
    });
    const text = (annotations: string): string =>
      `new k8s.core.v1.Namespace("n", { metadata: { name: "fields-own", labels: { a: "3" }, annotations: ${annotations} } });`;
    const output = await fail(up(project, text("{}")));
    expect(output).toContain('conflict with "somebody"');
    expect(output).toContain("pulumi.com/patchForce");
    await succeed(up(project, text(`{ "pulumi.com/patchForce": "true" }`)));
    expect(valueAt(await get("/api/v1/namespaces/fields-own"), "metadata", "labels", "a")).toBe("3");
  });

  it("leaves an ignored field to its owner while another changes", async () => {
    const project = await projectIn("ignored");
    const text = (limit: number): string =>
      job("run", "ignored", {
        spec: `suspend: true, activeDeadlineSeconds: ${limit},`,
        annotations: { "pulumi.com/skipAwait": "true" },
        options: `ignoreChanges: ["spec.suspend"]`,
      });
    await succeed(up(project, text(100)));
    const path = jobPath("ignored", "run");
    await api({
      method: "PATCH",
      path,
      query: { fieldManager: "queue" },
      body: { spec: { suspend: false } },
      contentType: "application/merge-patch+json",
    });
    await succeed(up(project, text(200)));
    const live = await get(path);
    expect([valueAt(live, "spec", "suspend"), valueAt(live, "spec", "activeDeadlineSeconds")]).toEqual([false, 200]);
  });
});

describe("preview", () => {
  it("finds a mistake by a dry run of the server, before anything is made", async () => {
    const project = await projectIn("dry-run");
    program(project, settings("good", "dry-run") + job("bad", "dry-run", { spec: "complections: 2," }));
    const output = await fail(pulumi(project, "preview"));
    expect(output).toContain('strict decoding error: unknown field "spec.complections"');
    expect(await get(settingsPath("dry-run", "good"))).toBeUndefined();
  });

  it("finds a mistake in an update", async () => {
    const project = await projectIn("dry-update");
    const suspended = "suspend: true,";
    const annotations = { "pulumi.com/skipAwait": "true" };
    await succeed(up(project, job("run", "dry-update", { annotations, spec: suspended })));
    program(project, job("run", "dry-update", { annotations, spec: `${suspended} complections: 2,` }));
    expect(await fail(pulumi(project, "preview"))).toContain(".spec.complections: field not declared in schema");
  });

  it("shows objects in a namespace, and of a kind, that the same run makes", async () => {
    const project = await createProject(engine, folder, "dry-early");
    program(
      project,
      `new k8s.core.v1.Namespace("n", { metadata: { name: "dry-early" } });\n${settings("c", "dry-early")}${customResource("dry-early")}`,
    );
    expect(await succeed(pulumi(project, "preview"))).toContain("5 to create");
    expect(await get("/api/v1/namespaces/dry-early")).toBeUndefined();
  });

  it("knows no uid before there is one", async () => {
    const project = await projectIn("dry-uid");
    program(project, `export const uid = ${settings("c", "dry-uid").replace(/;\n$/, ".metadata.uid;")}`);
    expect(await succeed(pulumi(project, "preview"))).toMatch(/uid: \[unknown\]/);
  });
});

describe("waiting for Jobs", () => {
  it("waits until a Job is complete, not at all, or for what it was told", async () => {
    const project = await projectIn("await");
    const output = await succeed(
      up(
        project,
        job("complete", "await", { run: "1s" }) +
          job("skipped", "await", { annotations: { "pulumi.com/skipAwait": "true" } }) +
          job("started", "await", { annotations: { "pulumi.com/waitFor": "jsonpath={.status.startTime}" } }) +
          job("active", "await", {
            annotations: { "pulumi.com/waitFor": '["jsonpath={.status.active}=1", "jsonpath={.status.ready}=1"]' },
          }),
      ),
    );
    expect(output).toContain("5 created");
    const conditions = listAt(await get(jobPath("await", "complete")), "status", "conditions");
    expect(conditions.some((condition) => textAt(condition, "type") === "Complete")).toBe(true);
    const { complete, active } = await stateOf(project);
    expect(valueAt(complete, "outputs", "status", "succeeded")).toBe(1);
    expect(valueAt(active, "outputs", "status", "active")).toBe(1);
  });

  it("tells why a Job failed, keeps it in the state, and removes it with the rest", async () => {
    const project = await projectIn("failed");
    const output = await fail(up(project, job("run", "failed", { run: "300ms", exitCode: 3 })));
    expect(output).toContain("Job failed/run failed.");
    expect(output).toContain("[BackoffLimitExceeded] Job has reached the specified backoff limit");
    expect(output).toContain("ended with exit code 3");
    const { run } = await stateOf(project);
    expect(run?.id).toBe("failed/run");
    expect(listAt(run, "initErrors").length).toBeGreaterThan(0);
    await succeed(pulumi(project, "destroy", "--yes", "--skip-preview"));
    expect(await get(jobPath("failed", "run"))).toBeUndefined();
  });

  it("gives up after its time, where customTimeouts win over the annotation", async () => {
    const project = await projectIn("late");
    const started = performance.now();
    const output = await fail(
      up(
        project,
        job("run", "late", {
          annotations: { "pulumi.com/timeoutSeconds": "200" },
          options: `customTimeouts: { create: "2s" }`,
        }),
      ),
    );
    expect(output).toContain("Job late/run: not ready within 2 s.");
    expect(output).toContain("Waiting for the Job to complete (active 1, succeeded 0, failed 0)");
    expect(performance.now() - started).toBeLessThan(60_000);
    expect((await stateOf(project)).run?.id).toBe("late/run");
  });

  it("reports an unfinished Job at a refresh, unless it is not waited for", async () => {
    const project = await projectIn("refresh");
    await succeed(up(project, job("skipped", "refresh", { annotations: { "pulumi.com/skipAwait": "true" } })));
    await succeed(pulumi(project, "refresh", "--yes", "--skip-preview"));
    const text = job("skipped", "refresh", { annotations: { "pulumi.com/skipAwait": "true" } });
    await fail(up(project, text + job("waited", "refresh", { options: `customTimeouts: { create: "1s" }` })));
    const { stdout, stderr } = await pulumi(project, "refresh", "--yes", "--skip-preview");
    expect(stdout + stderr).toContain("Job refresh/waited is not ready.");
    expect(stdout + stderr).not.toContain("Job refresh/skipped is not ready.");
    expect((await stateOf(project)).waited?.id).toBe("refresh/waited");
  });

  it("stops waiting when the run is cancelled, and keeps the Job in the state", async () => {
    const project = await projectIn("cancel");
    program(project, job("run", "cancel"));
    const child = spawn(engine.pulumi, ["up", "--yes", "--skip-preview", "--non-interactive"], {
      cwd: project.folder,
      env: engine.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await new Promise<void>((resolve) =>
      child.stdout.on("data", (data) => String(data).includes("Waiting for the Job to complete") && resolve()),
    );
    child.kill("SIGINT");
    expect(await ended).not.toBe(0);
    expect((await stateOf(project)).run?.id).toBe("cancel/run");
  });
});

describe("waiting for other kinds", () => {
  it("is over as soon as the real controllers say so", async () => {
    const project = await projectIn("workloads");
    const text = `
      const metadata = (name) => ({ name, namespace: "workloads" });
      const labels = { app: "a" };
      const spec = { tolerations: [{ operator: "Exists" }], containers: [{ name: "c", image: "a" }] };
      const set = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
      new k8s.apps.v1.Deployment("deployment", { metadata: metadata("deployment"), spec: { replicas: 2, ...set } });
      new k8s.apps.v1.StatefulSet("stateful", { metadata: metadata("stateful"), spec: { replicas: 2, serviceName: "service", ...set } });
      new k8s.apps.v1.DaemonSet("daemon", { metadata: metadata("daemon"), spec: set });
      new k8s.core.v1.Pod("pod", { metadata: metadata("pod"), spec });
      new k8s.core.v1.Service("service", { metadata: metadata("service"), spec: { selector: labels, ports: [{ port: 80 }] } });
      new k8s.core.v1.PersistentVolumeClaim("claim", { metadata: metadata("claim"), spec: {
        storageClassName: "late", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1024Mi" } } } });
      new k8s.storage.v1.StorageClass("class", { metadata: { name: "late" }, provisioner: "example.com/none", volumeBindingMode: "WaitForFirstConsumer" });
      new k8s.core.v1.ResourceQuota("quota", { metadata: metadata("quota"), spec: { hard: { "requests.storage": "1024Gi" } } });`;
    expect(await succeed(up(project, text))).toContain("9 created");
    const { deployment, stateful, daemon, service, quota } = await stateOf(project);
    expect(valueAt(deployment, "outputs", "status", "availableReplicas")).toBe(2);
    expect(valueAt(stateful, "outputs", "status", "readyReplicas")).toBe(2);
    expect(valueAt(daemon, "outputs", "status", "numberReady")).toBe(1);
    expect(valueAt(quota, "outputs", "status", "hard", "requests.storage")).toBe("1Ti");
    expect(textAt(service, "outputs", "spec", "clusterIP")).toMatch(/^\d+\./);
    const rolledOut = text.replace("replicas: 2, ...set", "replicas: 3, ...set");
    await succeed(up(project, rolledOut));
    expect(valueAt((await stateOf(project)).deployment, "outputs", "status", "availableReplicas")).toBe(3);
    await succeed(pulumi(project, "refresh", "--yes", "--expect-no-changes"));
  });

  it("says what is missing when a Service finds no Pods", async () => {
    const project = await projectIn("lonely");
    const metadata = `metadata: { name: "s", namespace: "lonely", annotations: { "pulumi.com/timeoutSeconds": "1" } }`;
    const output = await fail(
      up(
        project,
        `new k8s.core.v1.Service("s", { ${metadata}, spec: { selector: { a: "b" }, ports: [{ port: 80 }] } });`,
      ),
    );
    expect(output).toContain("Service lonely/s: not ready within 1 s.");
    expect(output).toContain("The Service has no Pods");
  });
});

/** A definition and an object of its kind; nothing says that one comes before the other. */
const customResource = (namespace: string): string => `
  new k8s.apiextensions.v1.CustomResourceDefinition("widgets", { metadata: { name: "widgets.${namespace}.example.com" }, spec: {
    group: "${namespace}.example.com", scope: "Namespaced", names: { kind: "Widget", plural: "widgets" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object",
      properties: { spec: { type: "object", x_kubernetes_preserve_unknown_fields: true } } } } }] } });
  new k8s.apiextensions.CustomResource("widget", { apiVersion: "${namespace}.example.com/v1", kind: "Widget",
    metadata: { name: "widget", namespace: "${namespace}",
      // The garbage collector learns of a new kind only after half a minute, and foreground deletion waits for it.
      annotations: { "pulumi.com/deletionPropagationPolicy": "background" } }, spec: { any: { thing: 1 } } });\n`;

describe("kinds, states and secrets", () => {
  it("makes a custom resource whose definition the same run makes, and removes both", async () => {
    const project = await projectIn("widgets");
    await succeed(up(project, customResource("widgets")));
    const path = "/apis/widgets.example.com/v1/namespaces/widgets/widgets/widget";
    expect(valueAt(await get(path), "spec")).toEqual({ any: { thing: 1 } });
    await succeed(up(project, customResource("widgets").replace("thing: 1", "thing: 2")));
    expect(valueAt(await get(path), "spec")).toEqual({ any: { thing: 2 } });
    await succeed(pulumi(project, "destroy", "--yes", "--skip-preview"));
    expect(
      await get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.widgets.example.com"),
    ).toBeUndefined();
  });

  it("forgets at a refresh what was deleted behind its back, shows drift, and mends both", async () => {
    const project = await projectIn("drift");
    const text = settings("gone", "drift") + settings("changed", "drift");
    await succeed(up(project, text));
    await api({ method: "DELETE", path: settingsPath("drift", "gone") });
    const path = settingsPath("drift", "changed");
    await api({
      method: "PATCH",
      path,
      body: { metadata: { labels: { other: "x" } }, data: { key: "drifted", extra: "x" } },
      contentType: "application/merge-patch+json",
    });
    await succeed(pulumi(project, "refresh", "--yes", "--skip-preview"));
    const { gone, changed } = await stateOf(project);
    expect(gone).toBeUndefined();
    expect(valueAt(changed, "inputs", "data")).toEqual({ key: "drifted" });
    await succeed(up(project, text));
    expect(valueAt(await get(settingsPath("drift", "gone")), "data")).toEqual({ key: "value" });
    expect(valueAt(await get(path), "data", "key")).toBe("value");
  });

  it("imports an object that is there, and reads one with get", async () => {
    const project = await projectIn("imported");
    const body = { metadata: { name: "there" }, data: { key: "value" } };
    await api({ method: "POST", path: "/api/v1/namespaces/imported/configmaps", body });
    const output = await succeed(
      up(
        project,
        settings("there", "imported", `, { import: "imported/there" }`) +
          `export const phase = k8s.core.v1.Namespace.get("got", "imported").status.phase;`,
      ),
    );
    expect(output).toContain("imported");
    expect((await succeed(pulumi(project, "stack", "output", "phase"))).trim()).toBe("Active");
    expect((await stateOf(project)).there?.id).toBe("imported/there");
  });

  it("never writes a secret to the state in clear", async () => {
    const project = await projectIn("secrets");
    const clear = "correct-horse-battery";
    const text = `
      const value = pulumi.secret("${clear}");
      new k8s.core.v1.Secret("marked", { metadata: { namespace: "secrets" }, stringData: { value } });
      new k8s.core.v1.Secret("unmarked", { metadata: { namespace: "secrets" }, stringData: { value: ["correct", "horse", "battery"].join("-") } });
      new k8s.core.v1.ConfigMap("settings", { metadata: { namespace: "secrets" }, data: { value, open: "open-text" } });
      new k8s.batch.v1.Job("job", { metadata: { name: "job", namespace: "secrets", annotations: { "pulumi.com/skipAwait": "true" } }, spec: { template: {
        spec: { restartPolicy: "Never", containers: [{ name: "c", image: "a", env: [{ name: "V", value }] }] } } } });`;
    program(project, text);
    await succeed(pulumi(project, "up", "--yes"));
    await succeed(pulumi(project, "refresh", "--yes"));
    const written = stateFiles(project);
    expect(written).toContain("open-text");
    expect(written).not.toContain(clear);
    expect(written).not.toContain(Buffer.from(clear).toString("base64"));
    const container = listAt(await get(jobPath("secrets", "job")), "spec", "template", "spec", "containers")[0];
    expect(textAt(listAt(container, "env")[0], "value")).toBe(clear);
    expect(await succeed(pulumi(project, "up", "--yes", "--expect-no-changes"))).toContain("unchanged");
  });

  it.each([
    [
      "patches",
      `new k8s.core.v1.ConfigMapPatch("c", { metadata: { name: "c", namespace: "default" } });`,
      "does not support Patch resources (ConfigMapPatch)",
    ],
    [
      "Helm releases",
      `new k8s.helm.v3.Release("r", { chart: "./chart" });`,
      "does not support resources of type kubernetes:helm.sh/v3:Release",
    ],
    [
      "Helm charts",
      `new k8s.helm.v4.Chart("r", { chart: "./chart" });`,
      "does not support components such as kubernetes:helm.sh/v4:Chart",
    ],
    [
      "YAML files",
      `new k8s.yaml.v2.ConfigFile("f", { file: "a.yaml" });`,
      "does not support components such as kubernetes:yaml/v2:ConfigFile",
    ],
    [
      "rendering",
      `new k8s.core.v1.Namespace("n", {}, { provider: new k8s.Provider("p", { renderYamlToDirectory: "out" }) });`,
      "does not support the provider setting renderYamlToDirectory",
    ],
  ])("refuses %s and names the official provider", async (name, text, message) => {
    const project = await createProject(engine, folder, `refused-${name.replaceAll(" ", "-").toLowerCase()}`);
    program(project, text);
    const output = await fail(pulumi(project, "preview"));
    expect(output).toContain(message);
    expect(output).toContain("pulumi plugin install resource kubernetes");
  });
});

describe("clusters that are not ours", () => {
  /** The cluster's kubeconfig with its cluster entry changed. */
  function foreign(name: string, change: (entry: JsonObject) => JsonObject): Engine {
    // The virtual cluster writes JSON.
    const config = JSON.parse(readFileSync(cluster.kubeconfig, "utf8")) as JsonObject;
    const clusters = listAt(config, "clusters")
      .filter(isObject)
      .map((entry) => ({ ...entry, cluster: change(entry.cluster as JsonObject) }));
    const path = join(folder, `${name}.kubeconfig`);
    writeFileSync(path, JSON.stringify({ ...config, clusters }));
    return { ...engine, environment: { ...engine.environment, KUBECONFIG: path } };
  }

  it.each<{ name: string; change: (entry: JsonObject) => JsonObject; message: string }>([
    {
      name: "no-extension",
      change: ({ extensions: _, ...entry }) => entry,
      message: "was not written by the virtual cluster",
    },
    {
      name: "other-id",
      change: (entry) => ({
        ...entry,
        extensions: [{ name: "ascend-stacks-virtual-cluster", extension: { id: "other" } }],
      }),
      message: "the ids differ",
    },
    {
      name: "other-machine",
      change: (entry) => ({ ...entry, server: "https://192.0.2.1:6443" }),
      message: "is not on this machine",
    },
  ])("refuses a cluster with $name", async ({ name, change, message }) => {
    const project = await createProject(foreign(name, change), folder, name);
    const output = await fail(up(project, `new k8s.core.v1.Namespace("n", { metadata: { name: "${name}" } });`));
    expect(output).toContain(message);
    expect(output).toContain("pulumi plugin install resource kubernetes");
    expect(await get(`/api/v1/namespaces/${name}`)).toBeUndefined();
  });

  it("refuses a cluster whose marker was taken away, and works again when it is back", async () => {
    const project = await createProject(engine, folder, "no-marker");
    const path = "/api/v1/namespaces/kube-system/configmaps/ascend-stacks-virtual-cluster";
    const marker = await api({ method: "GET", path });
    await api({ method: "DELETE", path });
    const text = `new k8s.core.v1.Namespace("n", { metadata: { name: "no-marker" } });`;
    expect(await fail(up(project, text))).toContain("no readable ConfigMap kube-system/ascend-stacks-virtual-cluster");
    const body = { metadata: { name: textAt(marker, "metadata", "name") ?? "" }, data: valueAt(marker, "data") ?? {} };
    await api({ method: "POST", path: "/api/v1/namespaces/kube-system/configmaps", body });
    await succeed(up(project, text));
  });
});
