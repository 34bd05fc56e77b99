/** `node tools/virtual-cluster/main.ts up|down|status|wipe`: a Kubernetes cluster with simulated NPU nodes on this machine. */
import { parseArgs } from "node:util";
import { tableLines } from "../../src/cli/table.ts";
import { type NodeShapeName, nodeShapes } from "../../src/hardware/node-shapes.ts";
import { ToolError } from "../ensure.ts";
import {
  startVirtualCluster,
  stopVirtualCluster,
  VirtualClusterError,
  virtualClusterNames,
  virtualClusterStatus,
  wipeVirtualCluster,
} from "./cluster.ts";
import { type WorkloadKind, workloadKinds } from "./state.ts";

const usage =
  "usage: node tools/virtual-cluster/main.ts up|down|status|wipe [--name <name>] [--nodes <count>] [--shape <shape>] [--workloads <kinds>] [--json]";

const isWorkloadKind = (kind: string): kind is WorkloadKind => workloadKinds.some((known) => known === kind);

const isShape = (name: string): name is NodeShapeName => Object.hasOwn(nodeShapes, name);

function parse() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: "string", default: "local" },
      nodes: { type: "string", default: "4" },
      shape: { type: "string", default: "atlas-800t-a2" },
      workloads: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  const { name, shape, json } = values;
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 0 || nodes > 5000)
    throw new VirtualClusterError(`--nodes takes a whole number from 0 to 5000, got ${values.nodes}`);
  if (!isShape(shape))
    throw new VirtualClusterError(`--shape takes one of ${Object.keys(nodeShapes).join(", ")}, got ${shape}`);
  const workloads = values.workloads.split(",").filter((kind) => kind !== "");
  if (!workloads.every(isWorkloadKind))
    throw new VirtualClusterError(`--workloads takes a list of ${workloadKinds.join(", ")}, got ${values.workloads}`);
  return { command: positionals[0] ?? "", name, nodes, shape, workloads, json };
}

function status(name: string, isJson: boolean): number {
  const components = virtualClusterStatus(name);
  if (components === undefined) {
    process.stdout.write(`no cluster ${name}; there are: ${virtualClusterNames().join(", ") || "none"}\n`);
    return 1;
  }
  const total = components.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const rows = components.map((part) => [
    part.component,
    part.isRunning ? "running" : "stopped",
    String(part.processId ?? ""),
    `${part.memoryMiB} MiB`,
  ]);
  const text = tableLines([["PROGRAM", "STATE", "PROCESS", "MEMORY"], ...rows, ["all", "", "", `${total} MiB`]]);
  process.stdout.write(isJson ? `${JSON.stringify({ name, components }, null, 2)}\n` : `${text.join("\n")}\n`);
  return components.every(({ isRunning }) => isRunning) ? 0 : 1;
}

async function main(): Promise<number> {
  const { command, name, nodes, shape, workloads, json } = parse();
  switch (command) {
    case "up": {
      const started = Date.now();
      const cluster = await startVirtualCluster({ name, nodes, shape, workloads });
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stdout.write(
        json
          ? `${JSON.stringify(cluster)}\n`
          : `cluster ${name} is up after ${seconds} s\nexport KUBECONFIG=${cluster.kubeconfig}\n`,
      );
      return 0;
    }
    case "down":
      process.stdout.write(
        (await stopVirtualCluster(name))
          ? `cluster ${name} is down; its objects are kept\n`
          : `cluster ${name} was not running\n`,
      );
      return 0;
    case "wipe":
      await wipeVirtualCluster(name);
      process.stdout.write(`cluster ${name} is gone\n`);
      return 0;
    case "status":
      return status(name, json);
    default:
      throw new VirtualClusterError(`unknown command "${command}"; ${usage}`);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!(error instanceof VirtualClusterError || error instanceof ToolError || isUsage)) throw error;
  process.stderr.write(`virtual cluster: ${(error as Error).message}${isUsage ? `; ${usage}` : ""}\n`);
  process.exitCode = 1;
}
