/**
 * `make up` and `make down`: the guide's default training on a virtual cluster, through the real engine and a real API server. Only
 * the containers are simulated.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { main as ascend } from "../src/cli/main.ts";
import { ConfigurationError } from "../src/config/diagnostics.ts";
import { planStack } from "../src/stack.ts";
import { containerName } from "../src/workloads/pod.ts";
import { type Engine, prepareEngine, runPulumi } from "./engine.ts";
import { ensureTools, ToolError } from "./ensure.ts";
import { tools } from "./manifest.ts";
import { simulatedTrainingLog } from "./simulated-training.ts";
import {
  startVirtualCluster,
  type VirtualCluster,
  VirtualClusterError,
  wipeVirtualCluster,
} from "./virtual-cluster/cluster.ts";
import { writePodLogs } from "./virtual-cluster/pod-logs.ts";

/** Something did not work; the message is for users. */
class UpError extends Error {}

const projectFolder = join(import.meta.dirname, "..");
const clusterName = "local";
const clusterNodes = 4;
const stacks = ["local", "local-2x8"] as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function pulumi(engine: Engine, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runPulumi(engine, projectFolder, words);
  if (code !== 0) throw new UpError(`pulumi ${words.join(" ")} ended with ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Creates the stack's state unless it is there. */
async function selectStack(engine: Engine, stack: string): Promise<void> {
  const known = await runPulumi(engine, projectFolder, ["stack", "select", stack]);
  if (known.code !== 0) await pulumi(engine, ["stack", "init", stack]);
}

/** Gives the simulated training pods of a stack a log to show progress from. */
async function writeSimulatedLogs(cluster: VirtualCluster, stack: string): Promise<void> {
  const { plan } = planStack(projectFolder, stack);
  for (const run of plan.runs) {
    const training = run.stages.find(({ success }) => success.kind === "checkpoint");
    if (training?.success.kind !== "checkpoint") continue;
    const interval = Number(training.program[training.program.indexOf("--log-interval") + 1]);
    const lines = simulatedTrainingLog(training.success.iteration, run.layout.globalBatch, interval);
    await writePodLogs(
      cluster.folder,
      { name: `${stack}-${run.name}`, namespace: plan.environment.namespace, container: containerName },
      lines,
    );
  }
}

async function upStack(engine: Engine, cluster: VirtualCluster, stack: string): Promise<void> {
  say(`\nStack ${stack}: pulumi up`);
  await selectStack(engine, stack);
  await writeSimulatedLogs(cluster, stack);
  say((await pulumi(engine, ["up", "--stack", stack, "--yes", "--skip-preview"])).trim());
  process.env.KUBECONFIG = cluster.kubeconfig;
  const code = await ascend(["status", stack, "--wait", "--timeout", "300"], projectFolder);
  if (code !== 0) throw new UpError(`stack ${stack} did not complete; see the table above`);
}

async function up(): Promise<void> {
  const started = Date.now();
  say("Tools");
  const needed = tools.filter(({ isForTests }) => isForTests !== true).map(({ name }) => name);
  for (const tool of await ensureTools(needed)) say(`  ${tool.name} ${tool.version} (${tool.way})`);
  const cluster = await startVirtualCluster({ name: clusterName, nodes: clusterNodes, shape: "atlas-800t-a2" });
  say(`Virtual cluster ${cluster.name} at ${cluster.server}: ${clusterNodes} simulated Atlas 800T A2 nodes`);
  const engine = await prepareEngine(join(cluster.folder, "engine"), cluster.kubeconfig, say);
  say(
    engine.provider === "official"
      ? "Kubernetes provider: the official one"
      : "Kubernetes provider: a STAND-IN, because the official one cannot be had here; it works on this virtual cluster only",
  );
  for (const stack of stacks) await upStack(engine, cluster, stack);
  say(`\nUp after ${Math.round((Date.now() - started) / 1000)} s. Look around with:`);
  say(`  export KUBECONFIG=${cluster.kubeconfig}`);
  say("  npx ascend status local");
  say("Remove everything with: make down");
}

async function main(): Promise<number> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [command] = positionals;
  if (command === "up") await up();
  else if (command === "down") {
    await wipeVirtualCluster(clusterName);
    say(`virtual cluster ${clusterName} is gone`);
  } else throw new UpError("usage: node tools/make-up.ts up|down");
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isForUsers = [UpError, ToolError, VirtualClusterError, ConfigurationError].some(
    (kind) => error instanceof kind,
  );
  if (!isForUsers) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
