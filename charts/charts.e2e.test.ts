import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiextensionsV1Api, CustomObjectsApi, KubeConfig, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { observabilityObjects } from "../src/environment/observability.ts";
import { readStack } from "../src/stack.ts";
import {
  closeWorkbench,
  eventually,
  openWorkbench,
  projectFolder,
  type Workbench,
} from "../tests/end-to-end/workbench.ts";
import { ensureTools, programOf } from "../tools/ensure.ts";

/** The charts through the real Helm: linted, rendered, held against what environments make themselves, installed on an API server. */

const charts = ["ascend-observability", "ascend-tenant"] as const;
const chartFolder = (chart: string): string => join(import.meta.dirname, chart);
let bench: Workbench;
let helmProgram: string;
let folder: string;

// biome-ignore lint/suspicious/noExplicitAny: rendered objects are plain data of any kind here
type Rendered = any;

function helm(...words: readonly string[]): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(helmProgram, words, {
    encoding: "utf8",
    env: { ...bench.engine.environment, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder },
  });
  return { code: status, output: `${stdout}${stderr}` };
}

function template(chart: string, release: string, namespace: string, values: unknown): readonly Rendered[] {
  const file = join(folder, `${release}-values.yaml`);
  writeFileSync(file, stringify(values));
  const { code, output } = helm("template", release, chartFolder(chart), "--namespace", namespace, "--values", file);
  if (code !== 0) throw new Error(output);
  return parseAllDocuments(output).flatMap((document) => (document.toJS() as Rendered) ?? []);
}

/** Definitions of the monitoring kinds, as wide as these objects need: the real ones come with the Prometheus Operator. */
const monitoringDefinition = (kind: string, plural: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.monitoring.coreos.com` },
  spec: {
    group: "monitoring.coreos.com",
    scope: "Namespaced",
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        },
      },
    ],
  },
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ascend-charts-"));
  bench = await openWorkbench(1);
  helmProgram = programOf(await ensureTools(["helm"]), "helm");
  const configuration = new KubeConfig();
  configuration.loadFromFile(bench.cluster.kubeconfig);
  const extensions = configuration.makeApiClient(ApiextensionsV1Api);
  for (const [kind, plural] of [
    ["PodMonitor", "podmonitors"],
    ["ServiceMonitor", "servicemonitors"],
    ["PrometheusRule", "prometheusrules"],
  ] as const)
    await extensions.createCustomResourceDefinition({ body: monitoringDefinition(kind, plural) });
  const objects = configuration.makeApiClient(CustomObjectsApi);
  for (const plural of ["podmonitors", "servicemonitors", "prometheusrules"])
    await eventually(`${plural} served`, () =>
      objects
        .listClusterCustomObject({ group: "monitoring.coreos.com", version: "v1", plural })
        .then(() => true)
        .catch(() => undefined),
    );
});

afterAll(async () => {
  await closeWorkbench(bench);
  rmSync(folder, { recursive: true, force: true });
});

describe.each(charts)("chart %s", (chart) => {
  it("passes helm lint", () => {
    expect(helm("lint", "--strict", chartFolder(chart))).toMatchObject({ code: 0 });
  });

  it("installs, upgrades without a change, and leaves nothing behind", async () => {
    const namespace = `${chart}-test`;
    const install = helm("install", "first", chartFolder(chart), "--namespace", namespace, "--create-namespace");
    expect(install).toMatchObject({ code: 0 });
    expect(helm("upgrade", "first", chartFolder(chart), "--namespace", namespace)).toMatchObject({ code: 0 });
    expect(helm("get", "manifest", "first", "--namespace", namespace).output).toContain("kind:");
    expect(helm("uninstall", "first", "--namespace", namespace)).toMatchObject({ code: 0 });
    const left = await bench.core.listNamespacedConfigMap({ namespace });
    expect(left.items.filter(({ metadata }) => metadata?.labels?.["app.kubernetes.io/name"] === chart)).toEqual([]);
  });
});

describe("values that cannot work", () => {
  it.each([
    ["ascend-observability", "alerts.temperatureCelsius=300"],
    ["ascend-observability", "exporter.interval=often"],
    ["ascend-observability", "trainning.enabled=true"],
    ["ascend-observability", "exporter.targetPort=0"],
    ["ascend-tenant", "quota.npus=-1"],
    ["ascend-tenant", "quota.memory=lots"],
    ["ascend-tenant", "access.deployers[0].kind=Team,access.deployers[0].name=a"],
    ["ascend-tenant", "access.viewers[0].kind=ServiceAccount,access.viewers[0].name=a"],
    ["ascend-tenant", "network.egressCidrs[0]=everywhere"],
  ])("%s refuses %s by its schema", (chart, value) => {
    const { code, output } = helm("template", "x", chartFolder(chart), "--set", value);
    expect(code).not.toBe(0);
    expect(output).toMatch(/schema/);
  });
});

describe("an environment's own monitoring", () => {
  it("is what the chart makes", () => {
    const { environment } = readStack(projectFolder, "local");
    const observability = {
      labels: { release: "prometheus" },
      interval: "20s",
      exporter: { namespace: "exporters", serviceLabels: { app: "npu" }, targetPort: 9000, interval: "30s" },
      temperatureCelsius: 80,
      stalledMinutes: 45,
      dashboardLabels: { grafana_dashboard: "shown" },
    };
    const own = observabilityObjects("local", { ...environment, observability }).map(({ manifest }) => manifest);
    const rendered = template("ascend-observability", "local", environment.namespace, {
      labels: observability.labels,
      training: { interval: "20s" },
      exporter: { namespace: "exporters", serviceLabels: { app: "npu" }, targetPort: 9000, interval: "30s" },
      alerts: { temperatureCelsius: 80, stalledMinutes: 45 },
      dashboard: { labels: { grafana_dashboard: "shown" } },
    });
    const content = ({ kind, metadata, spec, data }: Rendered) => ({
      kind,
      name: metadata.name,
      namespace: metadata.namespace,
      spec,
      data: data === undefined ? undefined : JSON.parse(data["ascend-training.json"]),
    });
    const byKind = (left: Rendered, right: Rendered): number => (left.kind < right.kind ? -1 : 1);
    expect(rendered.map(content).sort(byKind)).toEqual(own.map(content).sort(byKind));
    for (const { metadata } of rendered) expect(metadata.labels.release).toBe("prometheus");
  });
});

describe("guard rails of a tenant", () => {
  it("admit a training within the quota, refuse one beyond it, and give deployers what they need", async () => {
    const namespace = "team-a";
    const values = join(folder, "tenant.yaml");
    writeFileSync(
      values,
      stringify({
        quota: { npus: 8 },
        access: { deployers: [{ kind: "User", name: "deployer" }], viewers: [{ kind: "Group", name: "viewers" }] },
      }),
    );
    const words = ["install", "team-a", chartFolder("ascend-tenant"), "--namespace", namespace, "--create-namespace"];
    expect(helm(...words, "--values", values)).toMatchObject({ code: 0 });
    await eventually("quota counted", async () =>
      (await bench.core.readNamespacedResourceQuota({ name: "team-a", namespace })).status?.hard === undefined
        ? undefined
        : true,
    );
    await eventually("account of the namespace", async () =>
      bench.core.readNamespacedServiceAccount({ name: "default", namespace }).catch(() => undefined),
    );
    const pod = (name: string, npus: string) => ({
      namespace,
      body: {
        metadata: { name },
        spec: {
          containers: [
            {
              name: "main",
              image: "none",
              resources: { limits: { "huawei.com/Ascend910": npus, memory: "1Gi" }, requests: { cpu: "1" } },
            },
          ],
        },
      },
    });
    await bench.core.createNamespacedPod(pod("first", "8"));
    await expect(bench.core.createNamespacedPod(pod("second", "1"))).rejects.toThrow(/exceeded quota/);
    const configuration = new KubeConfig();
    configuration.loadFromFile(bench.cluster.kubeconfig);
    const roles = await configuration.makeApiClient(RbacAuthorizationV1Api).listNamespacedRoleBinding({ namespace });
    expect(roles.items.map(({ metadata }) => metadata?.name).sort()).toEqual(["team-a-deployer", "team-a-viewer"]);
  });
});
