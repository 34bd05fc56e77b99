/** What a virtual cluster remembers between calls: its ports, its processes, its credentials, all below one folder. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ProcessIdentity } from "../processes.ts";

/** The programs of a cluster in the order in which they start. */
export const componentNames = [
  ...(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"] as const),
  "jobset",
] as const;

/** Workload kinds beside Kubernetes' own that a cluster can be made to know. */
export const workloadKinds = ["ascendJob", "volcanoJob", "jobSet"] as const;

/** One of them. */
export type WorkloadKind = (typeof workloadKinds)[number];

/** One of the programs. */
export type ComponentName = (typeof componentNames)[number];

/** Ports on the loopback address. */
export interface Ports {
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
  readonly kwok: number;
  /** Health of the JobSet controller. */
  readonly jobSet: number;
  readonly jobSetWebhooks: number;
}

/** Everything that is remembered. */
export interface ClusterState {
  readonly name: string;
  /** Random id of this cluster, also on the cluster itself and in its kubeconfig: tells it from any other. */
  readonly id: string;
  /** Bearer token of the administrator. */
  readonly token: string;
  readonly ports: Ports;
  readonly processes: Readonly<Partial<Record<ComponentName, ProcessIdentity>>>;
  /** Workload kinds that it knows beside Kubernetes' own. */
  readonly workloads?: readonly WorkloadKind[];
}

/** Names become folder and object names. */
export const isClusterName = (name: string): boolean => /^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/.test(name);

/** Folder below which all clusters keep their state. */
export function clustersRoot(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_STATE_HOME || join(homedir(), ".local", "state"), "ascend-stacks", "virtual-clusters");
}

/** Paths inside the folder of one cluster. */
export const clusterFiles = (folder: string) => ({
  state: join(folder, "state.json"),
  kubeconfig: join(folder, "kubeconfig.yaml"),
  tokens: join(folder, "tokens.csv"),
  accountKey: join(folder, "service-account.key"),
  accountPublicKey: join(folder, "service-account.pub"),
  certificates: join(folder, "certificates"),
  /** The API server's own certificate with the one that signed it: made by the API server at its first start. */
  certificate: join(folder, "certificates", "apiserver.crt"),
  certificateKey: join(folder, "certificates", "apiserver.key"),
  etcdData: join(folder, "etcd"),
  logs: join(folder, "logs"),
  podLogs: join(folder, "pod-logs"),
});

/** Reads the state; undefined when there is no such cluster. */
export function readState(folder: string): ClusterState | undefined {
  const { state } = clusterFiles(folder);
  // Only written by `writeState`, in one step.
  return existsSync(state) ? (JSON.parse(readFileSync(state, "utf8")) as ClusterState) : undefined;
}

/** Writes the state in one step. */
export function writeState(folder: string, state: ClusterState): void {
  const file = clusterFiles(folder).state;
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** A port that nothing listens on at the moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Free ports, all different: each stays bound until all are known. */
export async function choosePorts(): Promise<Ports> {
  const chosen = new Set<number>();
  while (chosen.size < 8) chosen.add(await freePort());
  const [etcdClient = 0, etcdPeer = 0, apiServer = 0, controllerManager = 0, scheduler = 0, kwok = 0, ...others] =
    chosen;
  const [jobSet = 0, jobSetWebhooks = 0] = others;
  return { etcdClient, etcdPeer, apiServer, controllerManager, scheduler, kwok, jobSet, jobSetWebhooks };
}

/** Makes the folder of a new cluster with its credentials. */
export async function createState(folder: string, name: string): Promise<ClusterState> {
  const files = clusterFiles(folder);
  for (const path of [folder, files.certificates, files.logs, files.podLogs])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  const token = randomBytes(24).toString("hex");
  writeFileSync(files.tokens, `${token},administrator,administrator,"system:masters"\n`, { mode: 0o600 });
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(files.accountKey, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  writeFileSync(files.accountPublicKey, publicKey.export({ type: "spki", format: "pem" }));
  const state: ClusterState = {
    name,
    id: randomBytes(8).toString("hex"),
    token,
    ports: await choosePorts(),
    processes: {},
  };
  writeState(folder, state);
  return state;
}
