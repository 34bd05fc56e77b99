/**
 * A virtual cluster: the real programs of a Kubernetes control plane on the loopback address, with simulated nodes and pods. Several
 * live side by side; starting one again heals it.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import type { NodeShapeName } from "../../src/hardware/node-shapes.ts";
import { ensureTools, programOf, programsOf } from "../ensure.ts";
import { withLock } from "../lock.ts";
import { identify, isRunning, type ProcessIdentity } from "../processes.ts";
import { componentArguments } from "./components.ts";
import { definitionsOf } from "./definitions/workloads.ts";
import { isServing, serverOf } from "./health.ts";
import { jobSetWebhooks, writeJobSetFiles } from "./jobset.ts";
import { installBasics, installObjects, installSimulation, makeNodes, waitUntilServed } from "./objects.ts";
import {
  type ClusterState,
  type ComponentName,
  choosePorts,
  clusterFiles,
  clustersRoot,
  componentNames,
  createState,
  isClusterName,
  readState,
  type WorkloadKind,
  writeState,
} from "./state.ts";

/** Something about the cluster that the user must know; the message needs no stack trace. */
export class VirtualClusterError extends Error {}

/** A running cluster. */
export interface VirtualCluster {
  readonly name: string;
  readonly id: string;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly server: string;
}

/** What to start. */
export interface StartRequest {
  readonly name: string;
  readonly nodes: number;
  readonly shape: NodeShapeName;
  readonly root?: string;
  /** Workload kinds beside Kubernetes' own; those that the cluster knows already stay. */
  readonly workloads?: readonly WorkloadKind[];
  readonly progress?: (line: string) => void;
}

const startSeconds = 60;
const stopSeconds = 20;
const pollMilliseconds = 50;

/** Folder of a cluster. @throws VirtualClusterError when the name cannot be one */
export function clusterFolder(name: string, root = clustersRoot()): string {
  if (!isClusterName(name))
    throw new VirtualClusterError(`"${name}" cannot name a cluster; use lower-case letters, digits and inner dashes`);
  return join(root, name);
}

/** The kubeconfig of the administrator; its extension carries the cluster's id. */
function writeKubeconfig(folder: string, state: ClusterState): void {
  const files = clusterFiles(folder);
  const extensions = [{ name: "ascend-stacks-virtual-cluster", extension: { name: state.name, id: state.id } }];
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": state.name,
    clusters: [
      {
        name: state.name,
        cluster: {
          server: serverOf(state),
          "certificate-authority-data": readFileSync(files.certificate).toString("base64"),
          extensions,
        },
      },
    ],
    users: [{ name: "administrator", user: { token: state.token } }],
    contexts: [{ name: state.name, context: { cluster: state.name, user: "administrator" } }],
  };
  // JSON is YAML; every client reads it.
  writeFileSync(files.kubeconfig, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

const logFile = (folder: string, component: ComponentName): string =>
  join(clusterFiles(folder).logs, `${component}.log`);

const lastLines = (file: string): string => readFileSync(file, "utf8").trim().split("\n").slice(-5).join("\n");

/** Starts a program that outlives this process. */
function launch(folder: string, state: ClusterState, component: ComponentName, program: string): ProcessIdentity {
  const log = openSync(logFile(folder, component), "a");
  const child = spawn(program, [...componentArguments(component, folder, state)], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: folder,
  });
  closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw new VirtualClusterError(`${component} did not start: ${program}`);
  return identity;
}

/** Starts one program unless it runs, waits until it serves, and remembers it. */
async function ensureComponent(
  folder: string,
  state: ClusterState,
  component: ComponentName,
  program: string,
): Promise<ClusterState> {
  const known = state.processes[component];
  const isOurs = known !== undefined && isRunning(known);
  const process = isOurs ? known : launch(folder, state, component, program);
  const next: ClusterState = isOurs ? state : { ...state, processes: { ...state.processes, [component]: process } };
  if (!isOurs) writeState(folder, next);
  const deadline = Date.now() + startSeconds * 1000;
  while (!(await isServing(folder, next, component))) {
    if (!isRunning(process) || Date.now() > deadline) {
      const what = isRunning(process) ? `does not serve after ${startSeconds} s` : "ended at once";
      throw new VirtualClusterError(
        `${component} ${what}; the end of ${logFile(folder, component)}:\n${lastLines(logFile(folder, component))}`,
      );
    }
    await sleep(pollMilliseconds);
  }
  return next;
}

const isAnyRunning = (state: ClusterState): boolean => Object.values(state.processes).some(isRunning);

/** Somebody may have taken a port while the cluster was down; a cluster that does not run may choose anew. */
async function bringUp(
  folder: string,
  state: ClusterState,
  programs: Readonly<Record<string, string>>,
  definitionsFolder: string,
): Promise<ClusterState> {
  let current = state;
  for (const component of ["etcd", "kube-apiserver"] as const)
    current = await ensureComponent(folder, current, component, programs[component] ?? "");
  writeKubeconfig(folder, current);
  const configuration = new KubeConfig();
  configuration.loadFromFile(clusterFiles(folder).kubeconfig);
  await installSimulation(configuration, definitionsFolder);
  for (const component of ["kube-controller-manager", "kube-scheduler", "kwok"] as const) {
    current = await ensureComponent(folder, current, component, programs[component] ?? "");
  }
  return current;
}

async function startOrMovePorts(
  folder: string,
  state: ClusterState,
  programs: Readonly<Record<string, string>>,
  definitionsFolder: string,
): Promise<ClusterState> {
  const wasRunning = isAnyRunning(state);
  try {
    return await bringUp(folder, state, programs, definitionsFolder);
  } catch (error) {
    const logs = componentNames
      .map((component) => logFile(folder, component))
      .filter(existsSync)
      .map(lastLines)
      .join("\n");
    if (wasRunning || !logs.includes("address already in use")) throw error;
    await stopProcesses(readState(folder) ?? state);
    const moved: ClusterState = { ...state, ports: await choosePorts(), processes: {} };
    rmSync(clusterFiles(folder).certificates, { recursive: true, force: true });
    writeState(folder, moved);
    return bringUp(folder, moved, programs, definitionsFolder);
  }
}

/** Makes a running cluster know workload kinds beside Kubernetes' own; of the JobSet the real controller runs too. */
async function addWorkloads(
  folder: string,
  state: ClusterState,
  kinds: readonly WorkloadKind[],
  configuration: KubeConfig,
): Promise<ClusterState> {
  if (kinds.length === 0) return state;
  const [tool] = kinds.includes("jobSet") ? await ensureTools(["jobset"]) : [];
  const components = tool === undefined ? undefined : join(tool.folder, "assets", "components");
  const definitions = kinds.flatMap((kind) => definitionsOf(kind, components));
  await installObjects(configuration, definitions);
  await waitUntilServed(configuration, definitions);
  const remembered = { ...state, workloads: kinds };
  writeState(folder, remembered);
  if (tool === undefined || components === undefined) return remembered;
  writeJobSetFiles(folder, remembered);
  const running = await ensureComponent(folder, remembered, "jobset", programOf([tool], "jobset"));
  await installObjects(configuration, jobSetWebhooks(components, folder, running));
  return running;
}

/**
 * Starts a cluster, or makes a started one whole again: dead programs, missing nodes, missing objects.
 *
 * @throws VirtualClusterError when a program does not start, with the end of its log
 */
export async function startVirtualCluster(request: StartRequest): Promise<VirtualCluster> {
  const folder = clusterFolder(request.name, request.root);
  const installed = await ensureTools(["etcd", "kubernetes", "kwok"]);
  const definitionsFolder = join(installed.find(({ name }) => name === "kwok")?.folder ?? "", "assets", "definitions");
  return withLock(`${folder}.lock`, async () => {
    const known = readState(folder) ?? (await createState(folder, request.name));
    // A cluster of an earlier version has no ports for what came later.
    const before: ClusterState = { ...known, ports: { ...(await choosePorts()), ...known.ports } };
    const state = await startOrMovePorts(folder, before, programsOf(installed), definitionsFolder);
    const configuration = new KubeConfig();
    configuration.loadFromFile(clusterFiles(folder).kubeconfig);
    await installBasics(configuration, state);
    await makeNodes(configuration, request.shape, request.nodes);
    const kinds = [...new Set([...(state.workloads ?? []), ...(request.workloads ?? [])])];
    await addWorkloads(folder, state, kinds, configuration);
    return {
      name: state.name,
      id: state.id,
      folder,
      kubeconfig: clusterFiles(folder).kubeconfig,
      server: serverOf(state),
    };
  });
}

/** Ends processes in the opposite order of their start: asked first, by force after a while. */
async function stopProcesses(state: ClusterState): Promise<void> {
  for (const component of [...componentNames].reverse()) {
    const process_ = state.processes[component];
    if (process_ === undefined || !isRunning(process_)) continue;
    process.kill(process_.id, "SIGTERM");
    const deadline = Date.now() + stopSeconds * 1000;
    while (isRunning(process_)) {
      if (Date.now() > deadline) process.kill(process_.id, "SIGKILL");
      await sleep(pollMilliseconds);
    }
  }
}

/** Stops a cluster; its objects stay and are there again at the next start. Returns whether anything ran. */
export async function stopVirtualCluster(name: string, root?: string): Promise<boolean> {
  const folder = clusterFolder(name, root);
  return withLock(`${folder}.lock`, async () => {
    const state = readState(folder);
    if (state === undefined || !isAnyRunning(state)) return false;
    await stopProcesses(state);
    writeState(folder, { ...state, processes: {} });
    return true;
  });
}

/** Stops a cluster and removes all of it. */
export async function wipeVirtualCluster(name: string, root?: string): Promise<void> {
  await stopVirtualCluster(name, root);
  rmSync(clusterFolder(name, root), { recursive: true, force: true });
}

/** One program of a cluster, as it is now. */
export interface ComponentStatus {
  readonly component: ComponentName;
  readonly isRunning: boolean;
  readonly processId?: number;
  /** Resident memory, in MiB. */
  readonly memoryMiB: number;
}

/** Resident memory of a process, in MiB. */
function residentMiB(id: number): number {
  const line = existsSync(`/proc/${id}/status`)
    ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))
    : null;
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

/** The programs of a cluster; undefined when there is no such cluster. */
export function virtualClusterStatus(name: string, root?: string): readonly ComponentStatus[] | undefined {
  const state = readState(clusterFolder(name, root));
  if (state === undefined) return undefined;
  const isOurs = (component: ComponentName): boolean =>
    component !== "jobset" || state.workloads?.includes("jobSet") === true;
  return componentNames.filter(isOurs).map((component) => {
    const process_ = state.processes[component];
    if (process_ === undefined || !isRunning(process_)) return { component, isRunning: false, memoryMiB: 0 };
    return { component, isRunning: true, processId: process_.id, memoryMiB: residentMiB(process_.id) };
  });
}

/** Names of all clusters that there are. */
export function virtualClusterNames(root = clustersRoot()): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => isClusterName(name) && readState(join(root, name)) !== undefined)
    .sort();
}
