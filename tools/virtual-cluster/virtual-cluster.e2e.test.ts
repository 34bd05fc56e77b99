import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiException, BatchV1Api, CoreV1Api, KubeConfig, type V1Job } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { identify, isRunning } from "../processes.ts";
import {
  startVirtualCluster,
  stopVirtualCluster,
  type VirtualCluster,
  VirtualClusterError,
  virtualClusterNames,
  virtualClusterStatus,
  wipeVirtualCluster,
} from "./cluster.ts";
import { marker } from "./objects.ts";
import { writePodLogs } from "./pod-logs.ts";
import { simulationAnnotations } from "./simulation.ts";
import { readState } from "./state.ts";

let root: string;
let cluster: VirtualCluster;
let core: CoreV1Api;
let batch: BatchV1Api;

const shape = "atlas-800t-a2";
const start = (name = "first", nodes = 2): Promise<VirtualCluster> => startVirtualCluster({ name, nodes, shape, root });

function clients({ kubeconfig }: VirtualCluster): { readonly core: CoreV1Api; readonly batch: BatchV1Api } {
  const configuration = new KubeConfig();
  configuration.loadFromFile(kubeconfig);
  return { core: configuration.makeApiClient(CoreV1Api), batch: configuration.makeApiClient(BatchV1Api) };
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "ascend-virtual-cluster-"));
  cluster = await start();
  ({ core, batch } = clients(cluster));
  await core.createNamespace({ body: { metadata: { name: "test" } } });
});

afterAll(async () => {
  for (const name of virtualClusterNames(root)) await wipeVirtualCluster(name, root);
  rmSync(root, { recursive: true, force: true });
});

async function eventually<Value>(check: () => Promise<Value | undefined>): Promise<Value> {
  for (let count = 0; count < 300; count += 1) {
    const value = await check().catch(() => undefined);
    if (value !== undefined) return value;
    await sleep(100);
  }
  throw new Error("did not happen within 30 s");
}

function job(name: string, annotations: Readonly<Record<string, string>>, pods = 1): V1Job {
  const resources = { "huawei.com/Ascend910": "8" };
  const container = { name: "main", image: "none", resources: { requests: resources, limits: resources } };
  const spec = { restartPolicy: "Never", containers: [container] };
  return {
    metadata: { name },
    spec: {
      completionMode: "Indexed",
      completions: pods,
      parallelism: pods,
      backoffLimit: 0,
      template: { metadata: { annotations: { ...annotations } }, spec },
    },
  };
}

const runJob = async (body: V1Job): Promise<V1Job> => {
  await batch.createNamespacedJob({ namespace: "test", body });
  return eventually(async () => {
    const read = await batch.readNamespacedJob({ namespace: "test", name: body.metadata?.name ?? "" });
    return read.status?.conditions?.some(
      ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
    )
      ? read
      : undefined;
  });
};

const { startDelay, runDuration, exitCode, exitCodeOfIndex, notReady } = simulationAnnotations;

describe("a virtual cluster", () => {
  it("has nodes of the hardware table that are ready", async () => {
    const nodes = await eventually(async () => {
      const { items } = await core.listNode();
      return items.every(({ status }) =>
        status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True"),
      )
        ? items
        : undefined;
    });
    expect(nodes.map(({ metadata }) => metadata?.name)).toEqual(["atlas-800t-a2-0001", "atlas-800t-a2-0002"]);
    expect(nodes[0]?.status?.allocatable).toMatchObject({ "huawei.com/Ascend910": "8", cpu: "184", memory: "728Gi" });
    expect(nodes[0]?.metadata?.labels).toMatchObject({
      accelerator: "huawei-Ascend910",
      "kubernetes.io/arch": "arm64",
    });
  });

  it("runs a Job of two nodes for the annotated time, to its end", async () => {
    const done = await runJob(job("good", { [startDelay]: "10ms", [runDuration]: "500ms" }, 2));
    expect(done.status).toMatchObject({ succeeded: 2 });
  });

  it("fails pods with the annotated code, all or one index", async () => {
    expect((await runJob(job("bad", { [runDuration]: "10ms", [exitCode]: "7" }))).status?.failed).toBe(1);
    const { items } = await core.listNamespacedPod({ namespace: "test", labelSelector: "job-name=bad" });
    expect(items[0]?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 7, reason: "Error" });
    await runJob(job("half", { [runDuration]: "300ms", [`${exitCodeOfIndex}1`]: "9" }, 2));
    const half = await core.listNamespacedPod({ namespace: "test", labelSelector: "job-name=half" });
    const codes = half.items.map(({ metadata, status }) => [
      metadata?.annotations?.["batch.kubernetes.io/job-completion-index"],
      status?.containerStatuses?.[0]?.state?.terminated?.exitCode,
    ]);
    expect(codes).toContainEqual(["1", 9]);
  });

  it("keeps a pod waiting that asks for more NPUs than a node has", async () => {
    const body = job("large", {});
    const container = body.spec?.template.spec?.containers[0];
    if (container?.resources !== undefined)
      container.resources = { requests: { "huawei.com/Ascend910": "9" }, limits: { "huawei.com/Ascend910": "9" } };
    await batch.createNamespacedJob({ namespace: "test", body });
    const message = await eventually(
      async () =>
        (
          await core.listNamespacedPod({ namespace: "test", labelSelector: "job-name=large" })
        ).items[0]?.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False")
          ?.message,
    );
    expect(message).toContain("Insufficient huawei.com/Ascend910");
    await batch.deleteNamespacedJob({ namespace: "test", name: "large", propagationPolicy: "Background" });
  });

  it("makes a node not ready, and ready again", async () => {
    const name = "atlas-800t-a2-0002";
    const ready = async (): Promise<string | undefined> =>
      (await core.readNode({ name })).status?.conditions?.find(({ type }) => type === "Ready")?.status;
    const annotate = (value: string | null): Promise<unknown> =>
      core.patchNode({
        name,
        body: [
          {
            op: value === null ? "remove" : "add",
            path: `/metadata/annotations/${notReady.replace("/", "~1")}`,
            ...(value === null ? {} : { value }),
          },
        ],
      });
    await annotate("true");
    await eventually(async () => ((await ready()) === "False" ? true : undefined));
    await annotate(null);
    await eventually(async () => ((await ready()) === "True" ? true : undefined));
  });

  it("answers for logs from a file, through the real API", async () => {
    await runJob(job("talks", { [runDuration]: "10ms" }));
    await writePodLogs(cluster.folder, { name: "talks", namespace: "test", container: "main" }, [
      "first line",
      "second line",
    ]);
    const { items } = await core.listNamespacedPod({ namespace: "test", labelSelector: "job-name=talks" });
    const log = await eventually(() =>
      core.readNamespacedPodLog({ name: items[0]?.metadata?.name ?? "", namespace: "test", container: "main" }),
    );
    expect(log.trim().split("\n")).toEqual(["first line", "second line"]);
  });

  it("binds claims of its storage class at once", async () => {
    await core.createNamespacedPersistentVolumeClaim({
      namespace: "test",
      body: {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "10Ti" } } },
      },
    });
    await eventually(async () =>
      (await core.readNamespacedPersistentVolumeClaim({ namespace: "test", name: "data" })).status?.phase === "Bound"
        ? true
        : undefined,
    );
  });

  it("admits only pods that the namespace's Pod Security level allows, and only with the token", async () => {
    await core.createNamespace({
      body: { metadata: { name: "strict", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    });
    const pod = {
      metadata: { name: "root" },
      spec: { containers: [{ name: "main", image: "none", securityContext: { privileged: true } }] },
    };
    await expect(core.createNamespacedPod({ namespace: "strict", body: pod })).rejects.toThrow(/violates PodSecurity/);
    const stranger = new KubeConfig();
    stranger.loadFromFile(cluster.kubeconfig);
    stranger.users = [{ name: "administrator", token: "wrong" }];
    const refused: unknown = await stranger
      .makeApiClient(CoreV1Api)
      .listNode()
      .catch((error: unknown) => error);
    expect(refused instanceof ApiException ? refused.code : undefined).toBe(401);
  });

  it("listens on the loopback address only, and carries its mark twice", async () => {
    expect(cluster.server).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const { data } = await core.readNamespacedConfigMap(marker);
    const config = JSON.parse(readFileSync(cluster.kubeconfig, "utf8"));
    expect(config.clusters[0].cluster.extensions).toEqual([
      { name: "ascend-stacks-virtual-cluster", extension: { name: "first", id: data?.id } },
    ]);
  });

  it("changes its number of nodes, and nothing else, when it is started again", async () => {
    const before = readState(cluster.folder);
    await start("first", 3);
    expect((await core.listNode()).items).toHaveLength(3);
    await start("first", 2);
    expect((await core.listNode()).items).toHaveLength(2);
    expect(readState(cluster.folder)).toEqual(before);
  });

  it("is made whole again after a program was killed", async () => {
    const killed = readState(cluster.folder)?.processes["kube-scheduler"];
    if (killed === undefined) throw new Error("no scheduler");
    process.kill(killed.id, "SIGKILL");
    await eventually(async () => (isRunning(killed) ? undefined : true));
    expect(
      virtualClusterStatus("first", root)?.find(({ component }) => component === "kube-scheduler")?.isRunning,
    ).toBe(false);
    await start();
    expect(virtualClusterStatus("first", root)?.every((part) => part.isRunning)).toBe(true);
    expect((await runJob(job("after", { [runDuration]: "10ms" }))).status?.succeeded).toBe(1);
  });

  it("keeps its objects over a stop", async () => {
    expect(await stopVirtualCluster("first", root)).toBe(true);
    expect(virtualClusterStatus("first", root)?.some((part) => part.isRunning)).toBe(false);
    expect(await stopVirtualCluster("first", root)).toBe(false);
    cluster = await start();
    ({ core, batch } = clients(cluster));
    expect((await core.listNamespace()).items.map(({ metadata }) => metadata?.name)).toContain("test");
  });

  it("ends no process that it did not start, even one with a recorded number", async () => {
    const state = readState(cluster.folder);
    const scheduler = state?.processes["kube-scheduler"];
    expect(scheduler === undefined ? undefined : identify(scheduler.id)).toEqual(scheduler);
    expect(isRunning({ id: process.pid, startedAt: scheduler?.startedAt ?? "" })).toBe(false);
  });
});

describe("two virtual clusters", () => {
  it("live side by side; starting one twice at once is safe; wiping one leaves the other", async () => {
    const [one, two] = await Promise.all([start("second", 1), start("second", 1)]);
    expect(one).toEqual(two);
    expect(one.server).not.toBe(cluster.server);
    expect((await clients(one).core.listNode()).items).toHaveLength(1);
    await wipeVirtualCluster("second", root);
    expect(existsSync(one.folder)).toBe(false);
    expect(virtualClusterNames(root)).toEqual(["first"]);
    expect((await core.listNode()).items).toHaveLength(2);
  });

  it("moves to other ports when somebody took one while it was down", async () => {
    await start("third", 0);
    await stopVirtualCluster("third", root);
    const taken = readState(join(root, "third"))?.ports.apiServer ?? 0;
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(taken, "127.0.0.1", resolve));
    const moved = await start("third", 1);
    squatter.close();
    expect(moved.server).not.toContain(`:${taken}`);
    expect((await clients(moved).core.listNode()).items).toHaveLength(1);
    await wipeVirtualCluster("third", root);
  });

  it("cannot have a name that leads elsewhere", async () => {
    await expect(start("../x")).rejects.toBeInstanceOf(VirtualClusterError);
  });
});
