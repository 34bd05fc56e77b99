/** A cluster, an engine and a stack of its own for one test file: real programs, thrown away at the end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchV1Api, CoreV1Api, KubeConfig, type V1Job, type V1Pod } from "@kubernetes/client-node";
import { parse, stringify } from "yaml";
import { type Engine, prepareEngine, runPulumi } from "../../tools/engine.ts";
import { type CommandResult, run } from "../../tools/processes.ts";
import { startVirtualCluster, type VirtualCluster, wipeVirtualCluster } from "../../tools/virtual-cluster/cluster.ts";
import { simulationAnnotations } from "../../tools/virtual-cluster/simulation.ts";
import type { WorkloadKind } from "../../tools/virtual-cluster/state.ts";

/** Folder of the project under test. */
export const projectFolder = join(import.meta.dirname, "..", "..");

/** The environment part of a stack file as plain data, to be changed by tests. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into the file at will; the schema under test checks what they write
export type EnvironmentData = any;

/** Everything a test file needs. */
export interface Workbench {
  readonly folder: string;
  readonly cluster: VirtualCluster;
  readonly engine: Engine;
  readonly configuration: KubeConfig;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
}

const silent = (): void => undefined;

/** Starts a cluster with an engine beside it. `workloads` are kinds beside Kubernetes' own that it shall know. */
export async function openWorkbench(nodes: number, workloads: readonly WorkloadKind[] = []): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), "ascend-end-to-end-"));
  const cluster = await startVirtualCluster({ name: "test", nodes, shape: "atlas-800t-a2", workloads, root: folder });
  const engine = await prepareEngine(join(folder, "engine"), cluster.kubeconfig, silent);
  const configuration = new KubeConfig();
  configuration.loadFromFile(cluster.kubeconfig);
  return {
    folder,
    cluster,
    engine,
    configuration,
    core: configuration.makeApiClient(CoreV1Api),
    batch: configuration.makeApiClient(BatchV1Api),
  };
}

/** Removes the cluster and all files. */
export async function closeWorkbench({ folder, cluster }: Workbench): Promise<void> {
  await wipeVirtualCluster(cluster.name, folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Runs the Pulumi CLI in the project. */
export const pulumi = (bench: Workbench, ...words: readonly string[]): Promise<CommandResult> =>
  runPulumi(bench.engine, projectFolder, words);

/** Runs the Pulumi CLI and fails with everything it printed when it does not succeed. */
export async function pulumiSucceeds(bench: Workbench, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await pulumi(bench, ...words);
  if (code !== 0) throw new Error(`pulumi ${words.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Runs `ascend` as users do. */
export const ascend = (bench: Workbench, ...words: readonly string[]): Promise<CommandResult> =>
  run(process.execPath, [join(projectFolder, "bin", "ascend.mjs"), ...words], {
    environment: bench.engine.environment,
    folder: projectFolder,
  });

/** Writes a changed copy of a stack file and returns its path, for `--config-file`. */
export function changedStack(
  bench: Workbench,
  stack: string,
  name: string,
  change: (environment: EnvironmentData) => void,
): string {
  const file: EnvironmentData = parse(readFileSync(join(projectFolder, "stacks", `Pulumi.${stack}.yaml`), "utf8"));
  change(file.config["ascend-stacks:environment"]);
  const path = join(bench.folder, `${name}.yaml`);
  writeFileSync(path, stringify(file));
  return path;
}

/** Lets pods run on until a test ends them. */
export function runOn(environment: EnvironmentData): void {
  environment.cluster.podAnnotations = {};
}

/** Ends a simulated pod at once with an exit code. */
export async function endPod(bench: Workbench, pod: V1Pod, exitCode = 0): Promise<void> {
  const own = { [simulationAnnotations.runDuration]: "0s", [simulationAnnotations.exitCode]: String(exitCode) };
  const annotations = { ...pod.metadata?.annotations, ...own };
  const body = [{ op: "add", path: "/metadata/annotations", value: annotations }];
  await bench.core.patchNamespacedPod({
    name: pod.metadata?.name ?? "",
    namespace: pod.metadata?.namespace ?? "",
    body,
  });
}

/** Pods of the stages of a namespace whose name fits. */
export async function stagePods(bench: Workbench, namespace: string, pattern: RegExp): Promise<readonly V1Pod[]> {
  const { items } = await bench.core.listNamespacedPod({
    namespace,
    labelSelector: "app.kubernetes.io/component=stage",
  });
  return items.filter(({ metadata }) => pattern.test(metadata?.labels?.["ascend-stacks/stage"] ?? ""));
}

/** Ends the pods of processor stages as soon as they run, while other work goes on. */
export async function whileStagesEnd<Result>(
  bench: Workbench,
  namespace: string,
  work: Promise<Result>,
): Promise<Result> {
  let isOver = false;
  const ending = (async () => {
    while (!isOver) {
      for (const pod of await stagePods(bench, namespace, /^(convert|prepare)-/)) {
        if (pod.status?.phase === "Running") await endPod(bench, pod).catch(silent);
      }
      await sleep(300);
    }
  })();
  try {
    return await work;
  } finally {
    isOver = true;
    await ending;
  }
}

/** Waits until a condition holds; fails with its name when it does not within a minute. */
export async function eventually<Value>(what: string, check: () => Promise<Value | undefined>): Promise<Value> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`did not happen within a minute: ${what}`);
    await sleep(200);
  }
}

/** A Job by name; undefined when there is none. */
export const jobOf = (bench: Workbench, namespace: string, name: string): Promise<V1Job | undefined> =>
  bench.batch.readNamespacedJob({ namespace, name }).catch(() => undefined);
