import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CustomObjectsApi, type V1Pod } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planStack } from "../../src/stack.ts";
import { workloadOf } from "../../src/workloads/catalogue.ts";
import { startVirtualCluster } from "../../tools/virtual-cluster/cluster.ts";
import { watchPods } from "./pod-watch.ts";
import {
  ascend,
  changedStack,
  closeWorkbench,
  type EnvironmentData,
  endPod,
  eventually,
  openWorkbench,
  projectFolder,
  pulumi,
  pulumiSucceeds,
  stagePods,
  type Workbench,
} from "./workbench.ts";

/**
 * Every workload kind on a real API server, created by the real engine with strict field validation. JobSet's real controller runs;
 * of AscendJob and Volcano only the definitions are there, so nothing makes pods of them. Not shown: the schedulers of MindCluster
 * and Volcano, whose programs cannot be had here.
 */

const run = "t2v-93x480p";
const training = `${run}-pretrain`;
const quiet = ["--yes", "--skip-preview", "--suppress-outputs"];

const stacks = [
  ["a2-ascendjob", "ascendJob", "osp-t2v-ascendjob"],
  ["a2-volcano", "volcanoJob", "osp-t2v-volcano"],
  ["a2-jobset", "jobSet", "osp-t2v-jobset"],
  ["a3-superpod", "ascendJob", "osp-t2v-superpod"],
] as const;

let bench: Workbench;
let custom: CustomObjectsApi;

beforeAll(async () => {
  bench = await openWorkbench(4, ["ascendJob", "volcanoJob", "jobSet"]);
  await startVirtualCluster({ name: "test", nodes: 4, shape: "atlas-900-a3-superpod", root: bench.folder });
  custom = bench.configuration.makeApiClient(CustomObjectsApi);
});

const stackFile = (stack: string): string => join(projectFolder, "stacks", `Pulumi.${stack}.yaml`);
const committed = stacks.map(([stack]) => [stack, readFileSync(stackFile(stack), "utf8")] as const);

afterAll(async () => {
  await closeWorkbench(bench);
  // The engine writes the salt of its secrets into the file of a stack that it makes.
  for (const [stack, text] of committed) writeFileSync(stackFile(stack), text);
});

/** The committed stack with the virtual cluster's storage, the training alone, and whatever a test changes. */
const changed = (
  stack: string,
  name: string,
  change: (environment: EnvironmentData) => void = () => undefined,
): string =>
  changedStack(bench, stack, `${stack}-${name}`, (environment) => {
    for (const volume of Object.values<EnvironmentData>(environment.storage)) volume.storageClass = "simulated";
    environment.runs[run].stages = ["pretrain"];
    change(environment);
  });

const up = (stack: string, file: string) => pulumi(bench, "up", "--stack", stack, "--config-file", file, ...quiet);
const upSucceeds = (stack: string, file: string) =>
  pulumiSucceeds(bench, "up", "--stack", stack, "--config-file", file, ...quiet);

const live = (kind: string, namespace: string): Promise<EnvironmentData> =>
  custom.getNamespacedCustomObject({ ...workloadOf(kind).resource, namespace, name: training });

const plannedTraining = (stack: string): EnvironmentData =>
  planStack(projectFolder, stack).objects.find(({ name }) => name === `${training}-job`)?.manifest;

describe.each(stacks)("stack %s", (stack, kind, namespace) => {
  it("creates its training, which reads back as it was sent: nothing was dropped", async () => {
    await pulumi(bench, "stack", "init", stack);
    await upSucceeds(stack, changed(stack, "created"));
    const sent = plannedTraining(stack);
    const found = await live(kind, namespace);
    expect(found.metadata.labels).toEqual(sent.metadata.labels);
    // Webhooks add defaults to a JobSet; of the others the API server keeps what it gets, and nothing else.
    if (kind === "jobSet") expect(found.spec).toMatchObject(sent.spec);
    else expect(found.spec).toEqual(sent.spec);
  });

  it("has nothing to do afterwards, nor after a refresh", async () => {
    const file = changed(stack, "created");
    await pulumiSucceeds(bench, "preview", "--stack", stack, "--config-file", file, "--expect-no-changes");
    await pulumiSucceeds(bench, "refresh", "--stack", stack, "--config-file", file, "--yes", "--skip-preview");
    await pulumiSucceeds(bench, "preview", "--stack", stack, "--config-file", file, "--expect-no-changes");
  });
});

describe.each(stacks.slice(0, 3))("a running training of stack %s", (stack, kind, namespace) => {
  it("takes labels in place", async () => {
    const before = await live(kind, namespace);
    await upSucceeds(
      stack,
      changed(stack, "hot", (environment) => {
        environment.labels = { team: "video" };
      }),
    );
    const after = await live(kind, namespace);
    expect(after.metadata).toMatchObject({ uid: before.metadata.uid, labels: { team: "video" } });
    expect(after.metadata.generation).toBe(before.metadata.generation);
  });

  it("is neither edited nor replaced when its spec changes, until the user names the run", async () => {
    const before = await live(kind, namespace);
    const longer = (environment: EnvironmentData): void => {
      environment.labels = { team: "video" };
      environment.runs[run].training.iterations = 6000;
    };
    const refused = await up(stack, changed(stack, "longer", longer));
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).toContain("marked for protection");
    expect((await live(kind, namespace)).metadata).toMatchObject({
      uid: before.metadata.uid,
      generation: before.metadata.generation,
    });
    const allowed = changed(stack, "allowed", (environment) => {
      longer(environment);
      environment.allowReplacing = [run];
    });
    // The first update may meet the old object while it ends; then the second one makes the new.
    const first = await up(stack, allowed);
    if (first.code !== 0) await upSucceeds(stack, allowed);
    const after = await live(kind, namespace);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    expect(JSON.stringify(after.spec)).toContain('"6000"');
  });
});

describe("the definition of AscendJob", () => {
  const body = (): EnvironmentData => {
    const manifest = JSON.parse(JSON.stringify(plannedTraining("a2-ascendjob")));
    manifest.metadata.name = "newer";
    manifest.spec.replicaSpecs.Master.template.spec.schedulingGates = [{ name: "wait" }];
    manifest.spec.replicaSpecs.Master.template.spec.containers[0].resizePolicy = [];
    return manifest;
  };
  const request = { group: "mindxdl.gitee.com", version: "v1", plural: "ascendjobs", namespace: "osp-t2v-ascendjob" };

  it("drops fields that are newer than itself, which strict validation refuses", async () => {
    await expect(
      custom.createNamespacedCustomObject({ ...request, body: body(), fieldValidation: "Strict" }),
    ).rejects.toThrow(/unknown field .*schedulingGates/);
    const kept = await custom.createNamespacedCustomObject({ ...request, body: body(), fieldValidation: "Ignore" });
    expect(JSON.stringify(kept)).not.toContain("schedulingGates");
    await custom.deleteNamespacedCustomObject({ ...request, name: "newer" });
  });
});

describe("a gang of two pods under JobSet's controller", () => {
  const stack = "a2-jobset";
  const namespace = "osp-t2v-jobset";
  const file = (): string =>
    changed(stack, "gang", (environment) => {
      environment.runs[run].restarts = 2;
      environment.allowReplacing = [run];
      // No Volcano runs here; the cluster's own scheduler places the pods.
      delete environment.cluster.scheduler.schedulerName;
    });
  const attemptOf = (pod: V1Pod): string => pod.metadata?.labels?.["jobset.sigs.k8s.io/restart-attempt"] ?? "";
  const runningPods = (attempt: number): Promise<readonly V1Pod[]> =>
    eventually(`both pods of attempt ${attempt} run`, async () => {
      const pods = (await stagePods(bench, namespace, /pretrain$/)).filter(
        (pod) => attemptOf(pod) === String(attempt) && pod.status?.phase === "Running",
      );
      return pods.length === 2 ? pods : undefined;
    });
  const first = (pods: readonly V1Pod[]): V1Pod => {
    const [pod] = pods;
    if (pod === undefined) throw new Error("no pod");
    return pod;
  };

  it("is started again as a whole when one pod fails, and no pod of the next attempt is there before the last is gone", async () => {
    const replaced = await up(stack, file());
    if (replaced.code !== 0) await upSucceeds(stack, file());
    const attempts = [await runningPods(0)];
    const watch = await watchPods(bench, namespace, /pretrain$/);
    for (const attempt of [1, 2]) {
      await endPod(bench, first(attempts.at(-1) ?? []), 1);
      attempts.push(await runningPods(attempt));
    }
    watch.stop();
    for (const pods of attempts) expect(new Set(pods.map(({ spec }) => spec?.nodeName)).size).toBe(2);
    const ids = attempts.flatMap((pods) => pods.map(({ metadata }) => metadata?.uid));
    expect(new Set(ids).size).toBe(6);
    // Every moment of the whole time: pods of one attempt alone.
    for (const moment of watch.moments) expect(new Set(moment.map(attemptOf)).size).toBeLessThanOrEqual(1);
    expect(watch.moments.some((moment) => moment.length === 0)).toBe(true);
    const { status } = await live("jobSet", namespace);
    expect(status).toMatchObject({ restarts: 2, restartsCountTowardsMax: 2 });
  });

  it("is started again without counting when a node is drained", async () => {
    const pod = first(await runningPods(2));
    // What a kubelet writes of a pod that was evicted.
    await bench.core.patchNamespacedPodStatus({
      namespace,
      name: pod.metadata?.name ?? "",
      body: [
        {
          op: "add",
          path: "/status/conditions/-",
          value: { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" },
        },
        { op: "replace", path: "/status/phase", value: "Failed" },
      ],
    });
    await runningPods(3);
    const { status } = await live("jobSet", namespace);
    expect(status).toMatchObject({ restarts: 3, restartsCountTowardsMax: 2 });
  });

  it("is shown by `ascend status` with its pods and nodes", async () => {
    const { stdout, code } = await status();
    expect(code).toBe(0);
    expect(trainingIn(stdout)).toMatchObject({
      state: "running",
      pods: { wanted: 2, running: 2 },
      nodes: [expect.any(String), expect.any(String)],
    });
  });

  it("ends at once on an exit code that another try cannot mend", async () => {
    await endPod(bench, first(await runningPods(3)), 71);
    await eventually("the JobSet fails", async () => {
      const { status: found } = await live("jobSet", namespace);
      return found.terminalState === "Failed" ? found : undefined;
    });
    const { stdout, code } = await status();
    expect(code).toBe(1);
    expect(trainingIn(stdout)).toMatchObject({ state: "failed", reason: expect.stringMatching(/\S/) });
    expect((await stagePods(bench, namespace, /pretrain$/)).filter((pod) => attemptOf(pod) === "4")).toEqual([]);
  });

  const status = () => ascend(bench, "status", stack, "--json");
  const trainingIn = (text: string): EnvironmentData =>
    JSON.parse(text).stages.find(({ stage }: EnvironmentData) => stage === "pretrain");
});
