import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, KubeConfig, KubernetesObjectApi, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { EnvironmentData } from "../../tests/changed-stack.ts";
import { run } from "../../tools/processes.ts";
import { startVirtualCluster, type VirtualCluster, wipeVirtualCluster } from "../../tools/virtual-cluster/cluster.ts";
import { nodeName } from "../../tools/virtual-cluster/nodes.ts";
import { simulationAnnotations } from "../../tools/virtual-cluster/simulation.ts";
import { doctorCommand } from "../cli/doctor-command.ts";
import { type DoctorDocument, doctorDocumentSchema } from "../cli/doctor-document.ts";
import type { Terminal } from "../cli/terminal.ts";
import { planStack } from "../stack.ts";

/**
 * The checks against a real API server with real admission, quota and access rules. Not shown here: clusters with Volcano and
 * MindCluster (the unit tests have their answers).
 */

const projectFolder = join(import.meta.dirname, "..", "..");
const namespace = "osp-t2v";
const nodes = 2;
const canary = "canary-password-51c0";

let folder: string;
let cluster: VirtualCluster;
let core: CoreV1Api;
let configuration: KubeConfig;
let objects: KubernetesObjectApi;
const printed: string[] = [];
const undo: (() => Promise<unknown>)[] = [];
const usualKubeconfig = process.env.KUBECONFIG;

/** Writes a changed copy of the stack `local` into a project of its own. */
function writeStack(change: (environment: EnvironmentData) => void = () => undefined): void {
  const file = parse(readFileSync(join(projectFolder, "stacks", "Pulumi.local.yaml"), "utf8"));
  change(file.config["ascend-stacks:environment"]);
  writeFileSync(join(folder, "stacks", "Pulumi.local.yaml"), stringify(file));
}

interface Result {
  readonly code: number;
  readonly document: DoctorDocument;
}

/** Runs the checks for a changed stack. */
async function doctor(change?: (environment: EnvironmentData) => void): Promise<Result> {
  writeStack(change);
  let text = "";
  const plain = (part: string): string => part;
  const print = (part: string): void => {
    text += part;
    printed.push(part);
  };
  const nowhere = (): undefined => undefined;
  const sizes = { width: nowhere, rows: nowhere };
  const terminal: Terminal = {
    print,
    printError: print,
    bold: plain,
    yellow: plain,
    red: plain,
    green: plain,
    ...sizes,
  };
  const code = await doctorCommand(["local", "--json"], folder, terminal);
  return { code, document: doctorDocumentSchema.parse(JSON.parse(text)) };
}

const errors = ({ findings }: DoctorDocument) => findings.filter(({ severity }) => severity === "error");

async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  for (let count = 0; count < 200; count += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`did not happen within 40 s: ${what}`);
}

const areReady = async (isReady: boolean): Promise<boolean> =>
  (await core.listNode()).items.every(
    ({ status }) =>
      status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === isReady,
  );

/** Everything of the plan but its jobs, as an update would make it. */
async function createSurroundings(): Promise<void> {
  for (const { manifest } of planStack(folder, "local").objects) {
    if (manifest.kind !== "Job") await objects.create(structuredClone(manifest) as never);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ascend-doctor-"));
  mkdirSync(join(folder, "stacks"));
  symlinkSync(join(projectFolder, "stacks", "bases"), join(folder, "stacks", "bases"));
  writeStack();
  cluster = await startVirtualCluster({
    name: "doctor",
    nodes,
    shape: "atlas-800t-a2",
    root: join(folder, "clusters"),
  });
  process.env.KUBECONFIG = cluster.kubeconfig;
  configuration = new KubeConfig();
  configuration.loadFromFile(cluster.kubeconfig);
  core = configuration.makeApiClient(CoreV1Api);
  objects = KubernetesObjectApi.makeApiClient(configuration);
  await eventually("nodes are ready", () => areReady(true));
});

afterEach(async () => {
  for (const back of undo.splice(0).reverse()) await back();
  process.env.KUBECONFIG = cluster.kubeconfig;
});

afterAll(async () => {
  if (usualKubeconfig === undefined) delete process.env.KUBECONFIG;
  else process.env.KUBECONFIG = usualKubeconfig;
  await wipeVirtualCluster("doctor", join(folder, "clusters"));
  rmSync(folder, { recursive: true, force: true });
});

describe("a cluster that fits", () => {
  it("has no errors before the first update, and says what could not be tried", async () => {
    const { code, document } = await doctor();
    expect(errors(document)).toEqual([]);
    expect(code).toBe(0);
    expect(document.cluster).toMatchObject({ server: cluster.server, version: expect.stringMatching(/^v1\.\d+/) });
    expect(document.findings).toContainEqual(
      expect.objectContaining({ topic: "capacity", severity: "ok", where: "Job t2v-93x480p-pretrain" }),
    );
    expect(document.findings).toContainEqual(
      expect.objectContaining({
        topic: "admission",
        severity: "warning",
        what: expect.stringContaining("not there yet"),
      }),
    );
  });

  it("passes objects and pods through admission once the namespace is there, and leaves nothing behind", async () => {
    await createSurroundings();
    await eventually("claims are bound", async () =>
      (await core.listNamespacedPersistentVolumeClaim({ namespace })).items.every(
        ({ status }) => status?.phase === "Bound",
      ),
    );
    const before = await core.listNamespacedConfigMap({ namespace });
    const { code, document } = await doctor();
    expect(errors(document)).toEqual([]);
    expect(code).toBe(0);
    expect(document.findings).toContainEqual(
      expect.objectContaining({ topic: "admission", what: "4 objects and 4 pods pass a dry run" }),
    );
    expect(document.findings).toContainEqual(
      expect.objectContaining({
        topic: "storage",
        severity: "ok",
        what: "bound, ReadWriteMany, ReadWriteOnce, ReadOnlyMany",
      }),
    );
    expect((await core.listNamespacedPod({ namespace })).items).toEqual([]);
    expect((await core.listNamespacedConfigMap({ namespace })).items).toHaveLength(before.items.length);
  });

  it("prints a table for people", async () => {
    const { code, stdout } = await run(
      process.execPath,
      [join(projectFolder, "bin", "ascend.mjs"), "doctor", "local"],
      { environment: { PATH: "", KUBECONFIG: cluster.kubeconfig }, folder: projectFolder },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Stack local: namespace osp-t2v on https:/);
    expect(stdout).toMatch(/\nnodes\n {2}ok {9}Job t2v-93x480p-pretrain: 2 nodes can take its pod\n/);
    expect(stdout).toMatch(/The cluster can run it: 0 errors, \d+ warnings, \d+ ok\.\n$/);
    expect(stdout).not.toContain("\u001b[");
  });
});

describe("a cluster that does not fit", () => {
  it("has no node with the labels", async () => {
    const { code, document } = await doctor((environment) => {
      environment.cluster.nodeSelector = { "accelerator-type": "module-a3-16" };
    });
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({
        topic: "nodes",
        got: expect.stringContaining("0 of 2 nodes have accelerator-type=module-a3-16 (seen: module-910b-8)"),
        fix: expect.stringContaining("kubectl label node <node> accelerator-type=module-a3-16"),
      }),
    ]);
  });

  it("has nodes that are not ready", async () => {
    for (let number = 1; number <= nodes; number += 1) {
      const name = nodeName("atlas-800t-a2", number);
      const node = await core.readNode({ name });
      const annotations = { ...node.metadata?.annotations };
      const set = (value: Readonly<Record<string, string>>) =>
        core.patchNode({ name, body: [{ op: "add", path: "/metadata/annotations", value }] });
      await set({ ...annotations, [simulationAnnotations.notReady]: "true" });
      undo.push(() => set(annotations));
    }
    undo.unshift(() => eventually("nodes are ready again", () => areReady(true)));
    await eventually("nodes are not ready", () => areReady(false));
    const { code, document } = await doctor();
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({ topic: "nodes", what: "nodes are not Ready", got: "2 of 2 nodes; 0 are left" }),
    ]);
  });

  it("has full nodes: the training would wait, which is no error", async () => {
    for (let number = 1; number <= nodes; number += 1) {
      const name = `other-${number}`;
      const resources = { requests: { "huawei.com/Ascend910": "4" }, limits: { "huawei.com/Ascend910": "4" } };
      await core.createNamespacedPod({
        namespace: "default",
        body: {
          metadata: { name },
          spec: {
            nodeName: nodeName("atlas-800t-a2", number),
            containers: [{ name: "main", image: "none", resources }],
          },
        },
      });
      undo.push(() => core.deleteNamespacedPod({ namespace: "default", name, gracePeriodSeconds: 0 }));
    }
    const { code, document } = await doctor();
    expect(code).toBe(0);
    expect(document.findings.filter(({ topic, severity }) => topic === "capacity" && severity === "warning")).toEqual([
      expect.objectContaining({
        where: "Job t2v-93x480p-pretrain",
        got: "huawei.com/Ascend910: 0 of 2 nodes have 8 free (8 in all)",
      }),
    ]);
  });

  it("lacks a claim", async () => {
    const { code, document } = await doctor((environment) => {
      environment.storage.dataset = { claim: "clips" };
    });
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({ topic: "storage", where: "PersistentVolumeClaim clips" }),
    ]);
  });

  it("lacks a storage class", async () => {
    await core.deleteNamespacedPersistentVolumeClaim({ namespace, name: "weights" });
    await eventually("the claim is gone", async () =>
      (await core.listNamespacedPersistentVolumeClaim({ namespace })).items.every(
        ({ metadata }) => metadata?.name !== "weights",
      ),
    );
    undo.push(async () => {
      writeStack();
      const claim = planStack(folder, "local").objects.find(({ manifest }) => manifest.metadata.name === "weights");
      await objects.create(structuredClone(claim?.manifest) as never);
    });
    const { code, document } = await doctor((environment) => {
      environment.storage.weights.storageClass = "fast";
    });
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({ topic: "storage", got: "fast", expected: "simulated" }),
    ]);
  });

  it("lacks a pull secret, or has one of another registry or type, and never shows what is in it", async () => {
    const wanting = (environment: EnvironmentData): void => {
      environment.image.pullSecrets = ["registry"];
    };
    const absent = await doctor(wanting);
    expect(absent.code).toBe(1);
    expect(errors(absent.document)).toEqual([
      expect.objectContaining({ topic: "secrets", what: expect.stringContaining("does not exist") }),
    ]);
    const create = async (type: string, data: Readonly<Record<string, string>>) => {
      await core.createNamespacedSecret({
        namespace,
        body: { metadata: { name: "registry" }, type, stringData: { ...data } },
      });
      return () => core.deleteNamespacedSecret({ namespace, name: "registry" });
    };
    const docker = (host: string) => ({
      ".dockerconfigjson": JSON.stringify({ auths: { [host]: { username: "puller", password: canary } } }),
    });
    const removeOpaque = await create("Opaque", { password: canary });
    const opaque = await doctor(wanting);
    await removeOpaque();
    expect(errors(opaque.document)).toEqual([expect.objectContaining({ topic: "secrets", got: "Opaque" })]);
    const removeOther = await create("kubernetes.io/dockerconfigjson", docker("other.example.com"));
    const other = await doctor(wanting);
    await removeOther();
    expect(errors(other.document)).toEqual([
      expect.objectContaining({ topic: "secrets", got: "other.example.com", expected: "registry.example.com" }),
    ]);
    const removeRight = await create("kubernetes.io/dockerconfigjson", docker("registry.example.com"));
    const right = await doctor(wanting);
    await removeRight();
    expect(right.code).toBe(0);
    expect(printed.join("")).not.toContain(canary);
    expect(printed.join("")).not.toContain(Buffer.from(canary).toString("base64"));
  });

  it("does not serve the kind of the trainings", async () => {
    const { code, document } = await doctor((environment) => {
      environment.cluster.scheduler = { kind: "jobSet" };
    });
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({
        topic: "definitions",
        where: "JobSet (jobset.x-k8s.io/v1alpha2)",
        fix: expect.stringContaining("install JobSet"),
      }),
    ]);
  });

  it("refuses the pods by Pod Security", async () => {
    const level = (value: string) =>
      core.patchNamespace({
        name: namespace,
        body: [{ op: "add", path: "/metadata/labels/pod-security.kubernetes.io~1enforce", value }],
      });
    await level("baseline");
    undo.push(() => level("restricted"));
    const { code, document } = await doctor((environment) => {
      environment.cluster.driverMounts = true;
      environment.waivers = [{ rule: "no-host-paths", reason: "these nodes have no Ascend Docker Runtime" }];
    });
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({
        topic: "admission",
        where: "pod of Job t2v-93x480p-pretrain",
        got: expect.stringContaining("hostPath volumes"),
      }),
    ]);
    expect(document.findings).toContainEqual(
      expect.objectContaining({ topic: "namespace", severity: "warning", got: "baseline", expected: "privileged" }),
    );
  });

  it("has an exhausted quota", async () => {
    await core.createNamespacedResourceQuota({
      namespace,
      body: { metadata: { name: "team" }, spec: { hard: { "requests.huawei.com/Ascend910": "4" } } },
    });
    undo.push(() => core.deleteNamespacedResourceQuota({ namespace, name: "team" }));
    await eventually("the quota is counted", async () => {
      const quota = await core.readNamespacedResourceQuota({ namespace, name: "team" });
      return quota.status?.hard !== undefined;
    });
    const { code, document } = await doctor();
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({ topic: "quota", where: "Job t2v-93x480p-pretrain", got: "4 left of 4", expected: "8" }),
    ]);
  });

  it("has a Job of somebody else under the name of the training", async () => {
    const name = "t2v-93x480p-pretrain";
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] } };
    const body = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, namespace },
      spec: { suspend: true, template },
    };
    await objects.create(body);
    undo.push(() => objects.delete(body, undefined, undefined, 0, undefined, "Background"));
    const { code, document } = await doctor();
    expect(code).toBe(1);
    expect(errors(document)).toEqual([
      expect.objectContaining({ topic: "names", where: `Job ${name}`, fix: expect.stringContaining("job.batch") }),
    ]);
  });

  it("grants its caller too little", async () => {
    const rbac = configuration.makeApiClient(RbacAuthorizationV1Api);
    await core.createNamespacedServiceAccount({ namespace: "default", body: { metadata: { name: "reader" } } });
    await rbac.createClusterRoleBinding({
      body: {
        metadata: { name: "reader-views" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
      },
    });
    const audiences = { spec: { audiences: [] } };
    const issued = await core.createNamespacedServiceAccountToken({
      namespace: "default",
      name: "reader",
      body: audiences,
    });
    const kubeconfig = JSON.parse(readFileSync(cluster.kubeconfig, "utf8"));
    kubeconfig.users[0].user = { token: issued.status?.token };
    const file = join(folder, "reader.json");
    writeFileSync(file, JSON.stringify(kubeconfig));
    process.env.KUBECONFIG = file;
    const { code, document } = await doctor();
    expect(code).toBe(1);
    expect(errors(document).every(({ topic }) => topic === "rights")).toBe(true);
    expect(errors(document)).toContainEqual(
      expect.objectContaining({
        where: "jobs.batch in osp-t2v",
        what: expect.stringContaining("create, patch"),
        got: "system:serviceaccount:default:reader",
        fix: expect.stringContaining("--verb=create,patch --resource=jobs.batch"),
      }),
    );
    expect(document.findings).toContainEqual(
      expect.objectContaining({ topic: "nodes", severity: "warning", what: "the nodes could not be looked at" }),
    );
  });

  it("takes no credentials of the caller, which is one finding", async () => {
    const kubeconfig = JSON.parse(readFileSync(cluster.kubeconfig, "utf8"));
    kubeconfig.users[0].user = { token: "expired" };
    const file = join(folder, "expired.json");
    writeFileSync(file, JSON.stringify(kubeconfig));
    process.env.KUBECONFIG = file;
    const { code, document } = await doctor();
    expect(code).toBe(1);
    expect(document.findings).toEqual([
      expect.objectContaining({ topic: "cluster", what: expect.stringContaining("it refuses the credentials") }),
    ]);
  });
});

describe("a stack that is there", () => {
  it("has no errors: what runs takes no second place", async () => {
    writeStack((environment) => {
      environment.cluster.podAnnotations = {};
    });
    for (const { manifest } of planStack(folder, "local").objects) {
      if (manifest.kind === "Job" && manifest.metadata.name.endsWith("pretrain"))
        await objects.create(structuredClone(manifest) as never);
    }
    const { code, document } = await doctor();
    expect(errors(document)).toEqual([]);
    expect(code).toBe(0);
    const places = document.findings.filter(({ topic }) => topic === "capacity").map(({ where }) => where);
    expect(places).not.toContain("Job t2v-93x480p-pretrain");
    expect(places).toHaveLength(3);
  });
});
