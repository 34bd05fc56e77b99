/** `make bench`: the speed figures of this project, measured on this machine. Printed, never judged. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import fc from "fast-check";
import { layoutProblems } from "../src/parallel/rules.ts";
import { planEnvironment } from "../src/pipeline/pipeline.ts";
import { plannedObjects } from "../src/planned-objects.ts";
import { readStack } from "../src/stack.ts";
import { anyQuestion } from "../tests/layout-questions.ts";
import { measureDataset } from "./dataset-benchmark.ts";
import { type Engine, prepareEngine } from "./engine.ts";
import { measureCrowd, measurePlans } from "./placement-benchmark.ts";
import { run } from "./processes.ts";
import {
  startVirtualCluster,
  type VirtualCluster,
  virtualClusterStatus,
  wipeVirtualCluster,
} from "./virtual-cluster/cluster.ts";

const projectFolder = join(import.meta.dirname, "..");
const repetitions = 5;
const crowd = 1000;

const print = (name: string, value: string): void => void process.stdout.write(`${name.padEnd(64)} ${value}\n`);
const median = (values: readonly number[]): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Median of several runs after one that is not counted. */
async function medianOf(work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let count = 0; count < repetitions; count += 1) times.push(await timed(work));
  return median(times);
}

async function must(engine: Engine, folder: string, words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(engine.pulumi, [...words, "--non-interactive"], {
    environment: engine.environment,
    folder,
  });
  if (code !== 0) throw new Error(`pulumi ${words.join(" ")} ended with ${code}\n${stdout}${stderr}`);
}

async function planning(): Promise<void> {
  const plan = async (): Promise<void> => {
    const { code, stderr } = await run(process.execPath, [join(projectFolder, "bin", "ascend.mjs"), "plan", "local"]);
    if (code !== 0) throw new Error(`ascend plan local ended with ${code}\n${stderr}`);
  };
  print("ascend plan local, whole process", seconds(await medianOf(plan)));
  const { environment } = readStack(projectFolder, "local-2x8");
  for (const nodes of [1, 64, 4096]) {
    const runs = Object.fromEntries(
      Object.entries(environment.runs).map(([name, settings]) => [name, { ...settings, nodes }]),
    );
    const objects = plannedObjects(
      "local-2x8",
      planEnvironment({ ...environment, cluster: { ...environment.cluster, nodes }, runs }),
    );
    const bytes = JSON.stringify(objects.map(({ manifest }) => manifest)).length;
    print(`objects of local-2x8 with ${nodes} nodes`, `${objects.length}, ${bytes} bytes`);
  }
}

/** Random layouts, half of them with everything at random, judged with the nearest valid settings of each refused one. */
async function layouts(): Promise<void> {
  const questions = fc.sample(anyQuestion, { numRuns: 10_000, seed: 1 });
  let refused = 0;
  const time = await timed(async () => {
    for (const question of questions) {
      if (layoutProblems(question).some(({ severity }) => severity === "error")) refused += 1;
    }
  });
  print(`${questions.length} random layouts judged, ${refused} refused with suggestions`, seconds(time));
}

/** Plans for a thousand nodes on every workload kind. */
function placements(): void {
  for (const { name, milliseconds } of measurePlans(projectFolder)) print(name, seconds(milliseconds));
}

/** A program that does nothing, as the yardstick for the engine's own time. */
function emptyProject(folder: string): string {
  const project = join(folder, "empty");
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, "Pulumi.yaml"),
    "name: empty\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n",
  );
  writeFileSync(join(project, "package.json"), '{ "type": "module", "main": "index.ts" }\n');
  writeFileSync(join(project, "index.ts"), 'import "@pulumi/pulumi";\nexport const nothing = true;\n');
  symlinkSync(join(projectFolder, "node_modules"), join(project, "node_modules"));
  return project;
}

async function previews(folder: string, cluster: VirtualCluster): Promise<void> {
  const engine = await prepareEngine(join(folder, "engine"), cluster.kubeconfig, () => undefined);
  const empty = emptyProject(folder);
  await must(engine, empty, ["stack", "init", "dev"]);
  await must(engine, empty, ["up", "--yes", "--skip-preview"]);
  await must(engine, projectFolder, ["stack", "init", "local"]);
  await must(engine, projectFolder, ["up", "--stack", "local", "--yes", "--skip-preview"]);
  const emptyTime = await medianOf(() => must(engine, empty, ["preview"]));
  const ownTime = await medianOf(() =>
    must(engine, projectFolder, ["preview", "--stack", "local", "--expect-no-changes"]),
  );
  print("pulumi preview, empty program", seconds(emptyTime));
  print(
    "pulumi preview, stack local without changes",
    `${seconds(ownTime)} (${(ownTime / emptyTime).toFixed(2)} × the empty program)`,
  );
}

/** A Job of a pod a node on a thousand nodes, until all run. */
async function crowdOfPods(cluster: VirtualCluster): Promise<number> {
  const configuration = new KubeConfig();
  configuration.loadFromFile(cluster.kubeconfig);
  const core = configuration.makeApiClient(CoreV1Api);
  const resources = { "huawei.com/Ascend910": "8" };
  const containers = [{ name: "main", image: "none", resources: { requests: resources, limits: resources } }];
  await core.createNamespace({ body: { metadata: { name: "crowd" } } });
  return timed(async () => {
    const spec = {
      completionMode: "Indexed",
      completions: crowd,
      parallelism: crowd,
      template: { spec: { restartPolicy: "Never", containers } },
    };
    await configuration
      .makeApiClient(BatchV1Api)
      .createNamespacedJob({ namespace: "crowd", body: { metadata: { name: "crowd" }, spec } });
    for (;;) {
      const { items } = await core.listNamespacedPod({ namespace: "crowd", fieldSelector: "status.phase=Running" });
      if (items.length === crowd) return;
      await sleep(500);
    }
  });
}

/** Gives the NPUs of the crowd back. */
async function removeCrowd(cluster: VirtualCluster): Promise<void> {
  const configuration = new KubeConfig();
  configuration.loadFromFile(cluster.kubeconfig);
  const core = configuration.makeApiClient(CoreV1Api);
  await core.deleteNamespace({ name: "crowd" });
  while ((await core.listNamespacedPod({ namespace: "crowd", limit: 1 })).items.length > 0) await sleep(500);
}

async function clusters(folder: string): Promise<void> {
  const request = { name: "bench", shape: "atlas-800t-a2" as const, root: folder };
  await startVirtualCluster({ ...request, nodes: 0 });
  await wipeVirtualCluster("bench", folder);
  let cluster: VirtualCluster | undefined;
  const startTime = await timed(async () => {
    cluster = await startVirtualCluster({ ...request, nodes: 4 });
  });
  if (cluster === undefined) return;
  print("virtual cluster from nothing to ready, four nodes", seconds(startTime));
  await sleep(5000);
  const memory = (virtualClusterStatus("bench", folder) ?? []).reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  print("memory of its idle programs", `${memory} MiB`);
  await previews(folder, cluster);
  print(`${crowd} nodes registered`, seconds(await timed(() => startVirtualCluster({ ...request, nodes: crowd }))));
  print(`Job of ${crowd} pods of eight NPUs, until all run`, seconds(await crowdOfPods(cluster)));
  await removeCrowd(cluster);
  const { kubectl, pulumi } = await measureCrowd(projectFolder, join(folder, "crowd"), cluster);
  print(`training of ${crowd} pods by kubectl apply, until all run`, seconds(kubectl));
  print("the same by pulumi up", `${seconds(pulumi)} (${(pulumi / kubectl).toFixed(2)} × kubectl)`);
}

const folder = mkdtempSync(join(tmpdir(), "ascend-benchmark-"));
try {
  await planning();
  placements();
  await layouts();
  await measureDataset(print);
  await clusters(folder);
} finally {
  await wipeVirtualCluster("bench", folder);
  rmSync(folder, { recursive: true, force: true });
}
