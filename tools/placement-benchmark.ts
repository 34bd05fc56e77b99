/** Speed of placing: plans of a thousand nodes on each workload kind, and a thousand pods through the engine against kubectl. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { parse, stringify } from "yaml";
import type { Environment } from "../src/config/schema.ts";
import { planEnvironment } from "../src/pipeline/pipeline.ts";
import { plannedObjects } from "../src/planned-objects.ts";
import { readStack } from "../src/stack.ts";
import { objectProblems, settingsProblems } from "../src/workloads/rules/rules.ts";
import { prepareEngine, runPulumi } from "./engine.ts";
import { ensureTools, programOf } from "./ensure.ts";
import { run } from "./processes.ts";
import type { VirtualCluster } from "./virtual-cluster/cluster.ts";

/** One figure: what was measured, and how long it took in milliseconds. */
export interface PlacementFigure {
  readonly name: string;
  readonly milliseconds: number;
}

const crowd = 1000;

const withNodes = (environment: Environment, nodes: number): Environment => ({
  ...environment,
  cluster: { ...environment.cluster, nodes },
  runs: Object.fromEntries(Object.entries(environment.runs).map(([name, settings]) => [name, { ...settings, nodes }])),
});

/** Plans a stack of each kind for a thousand nodes, with all objects and all rules. */
export function measurePlans(projectFolder: string): readonly PlacementFigure[] {
  return ["local-2x8", "a2-jobset", "a2-volcano", "a2-ascendjob"].map((stack) => {
    const environment = withNodes(readStack(projectFolder, stack).environment, crowd);
    const started = performance.now();
    const plan = planEnvironment(environment);
    const objects = plannedObjects(stack, plan);
    const findings = [...plan.diagnostics, ...settingsProblems(plan), ...objectProblems(objects)];
    const milliseconds = performance.now() - started;
    if (findings.some(({ severity }) => severity === "error")) throw new Error(JSON.stringify(findings));
    return { name: `plan of ${crowd} nodes as ${environment.cluster.scheduler.kind}, objects and rules`, milliseconds };
  });
}

/** Writes the stack of a thousand pods that run on, in a namespace of its own, and returns its path. */
function writeCrowdStack(projectFolder: string, folder: string, namespace: string): string {
  const file = parse(readFileSync(join(projectFolder, "stacks", "Pulumi.local-2x8.yaml"), "utf8"));
  const environment = file.config["ascend-stacks:environment"];
  environment.namespace = namespace;
  environment.cluster.nodes = crowd;
  environment.cluster.podAnnotations = {};
  for (const settings of Object.values<{ nodes: number; stages: readonly string[] }>(environment.runs)) {
    settings.nodes = crowd;
    settings.stages = ["pretrain"];
  }
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${namespace}.yaml`);
  writeFileSync(path, stringify(file));
  return path;
}

/** The same objects as plain manifests, in the order of their creation. */
function crowdManifests(projectFolder: string, namespace: string): string {
  const { environment } = readStack(projectFolder, "local-2x8");
  const large = withNodes(
    { ...environment, namespace, cluster: { ...environment.cluster, podAnnotations: {} } },
    crowd,
  );
  const runs = Object.fromEntries(
    Object.entries(large.runs).map(([name, settings]) => [name, { ...settings, stages: ["pretrain"] }]),
  );
  // The stages of each run are of the type of its recipe; "pretrain" is one of every recipe.
  const plan = planEnvironment({ ...large, runs } as Environment);
  return JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: plannedObjects("local-2x8", plan).map(({ manifest }) => manifest),
  });
}

/** Asks the Job rather than the pods: a list of a thousand pods, several times a second, would be most of the work. */
async function untilAllRun(batch: BatchV1Api, namespace: string): Promise<void> {
  for (;;) {
    const { items } = await batch.listNamespacedJob({ namespace });
    if (items.some(({ status }) => status?.ready === crowd)) return;
    await sleep(100);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function must(program: string, words: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { code, stdout, stderr } = await run(program, words, { environment });
  if (code !== 0) throw new Error(`${program} ${words.join(" ")} ended with ${code}\n${stdout}${stderr}`);
}

/**
 * Times a training of a thousand pods, from the command to the last pod that runs: `kubectl apply` and `pulumi up` of the same
 * objects, twice each.
 *
 * @param cluster a cluster with a thousand nodes of eight free NPUs
 */
export async function measureCrowd(
  projectFolder: string,
  folder: string,
  cluster: VirtualCluster,
): Promise<{ readonly kubectl: number; readonly pulumi: number }> {
  const configuration = new KubeConfig();
  configuration.loadFromFile(cluster.kubeconfig);
  const core = configuration.makeApiClient(CoreV1Api);
  const batch = configuration.makeApiClient(BatchV1Api);
  const kubectl = programOf(await ensureTools(["kubernetes"]), "kubectl");
  const environment = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const times: { kubectl: number[]; pulumi: number[] } = { kubectl: [], pulumi: [] };
  /** Gives the NPUs back; what else the namespace holds may end later. */
  const removed = async (namespace: string): Promise<void> => {
    await must(kubectl, ["delete", "namespace", namespace, "--wait=false"], environment);
    while ((await core.listNamespacedPod({ namespace, limit: 1 })).items.length > 0) await sleep(500);
  };
  const throughKubectl = async (round: number): Promise<void> => {
    const namespace = `crowd-kubectl-${round}`;
    const manifests = join(folder, `${namespace}.json`);
    writeFileSync(manifests, crowdManifests(projectFolder, namespace));
    times.kubectl.push(
      await timed(async () => {
        await must(kubectl, ["apply", "-f", manifests], environment);
        await untilAllRun(batch, namespace);
      }),
    );
    await removed(namespace);
  };
  const throughEngine = async (round: number): Promise<void> => {
    const namespace = `crowd-pulumi-${round}`;
    const engine = await prepareEngine(join(folder, `engine-${round}`), cluster.kubeconfig, () => undefined);
    const file = writeCrowdStack(projectFolder, folder, namespace);
    await runPulumi(engine, projectFolder, ["stack", "init", "local-2x8"]);
    const words = ["up", "--stack", "local-2x8", "--config-file", file, "--yes", "--skip-preview"];
    times.pulumi.push(
      await timed(async () => {
        const { code, stdout, stderr } = await runPulumi(engine, projectFolder, words);
        if (code !== 0) throw new Error(`${stdout}${stderr}`);
        await untilAllRun(batch, namespace);
      }),
    );
    await removed(namespace);
  };
  mkdirSync(folder, { recursive: true });
  // Each goes first once: the first crowd of a cluster finds its controllers cold.
  for (const ways of [
    [throughKubectl, throughEngine],
    [throughEngine, throughKubectl],
  ])
    for (const way of ways) await way(times.kubectl.length + times.pulumi.length);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { kubectl: mean(times.kubectl), pulumi: mean(times.pulumi) };
}
