/** Command lines of the cluster's programs: pure, one function each. Everything listens on the loopback address only. */
import { jobSetSettings } from "./jobset.ts";
import { type ClusterState, type ComponentName, clusterFiles } from "./state.ts";

const loopback = "127.0.0.1";

/** Requests a second that controllers may send: a pod a node on a thousand nodes must not wait for the default of 20 or 50. */
const clientRate = ["--kube-api-qps=2000", "--kube-api-burst=4000"];

const etcd = (folder: string, { ports }: ClusterState): readonly string[] => [
  `--data-dir=${clusterFiles(folder).etcdData}`,
  `--listen-client-urls=http://${loopback}:${ports.etcdClient}`,
  `--advertise-client-urls=http://${loopback}:${ports.etcdClient}`,
  `--listen-peer-urls=http://${loopback}:${ports.etcdPeer}`,
  `--initial-advertise-peer-urls=http://${loopback}:${ports.etcdPeer}`,
  `--initial-cluster=default=http://${loopback}:${ports.etcdPeer}`,
  // A simulation may lose its last second in a power cut; waiting for the disk would cost more than that is worth.
  "--unsafe-no-fsync",
  "--log-level=warn",
];

const apiServer = (folder: string, { ports }: ClusterState): readonly string[] => {
  const files = clusterFiles(folder);
  return [
    `--etcd-servers=http://${loopback}:${ports.etcdClient}`,
    `--bind-address=${loopback}`,
    `--advertise-address=${loopback}`,
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${files.certificates}`,
    `--token-auth-file=${files.tokens}`,
    "--authorization-mode=RBAC",
    // What pods may do is for Pod Security to say, namespace by namespace.
    "--allow-privileged=true",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.accountPublicKey}`,
    `--service-account-signing-key-file=${files.accountKey}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--endpoint-reconciler-type=none",
    // Names of simulated nodes are in no DNS; logs are fetched by address.
    "--kubelet-preferred-address-types=InternalIP",
    "--max-requests-inflight=1600",
    "--max-mutating-requests-inflight=800",
  ];
};

const controllerManager = (folder: string, { ports }: ClusterState): readonly string[] => {
  const files = clusterFiles(folder);
  return [
    `--kubeconfig=${files.kubeconfig}`,
    `--bind-address=${loopback}`,
    `--secure-port=${ports.controllerManager}`,
    "--leader-elect=false",
    `--service-account-private-key-file=${files.accountKey}`,
    `--root-ca-file=${files.certificate}`,
    "--use-service-account-credentials=false",
    // Simulated heartbeats come every 30 to 70 seconds.
    "--node-monitor-grace-period=180s",
    "--concurrent-job-syncs=20",
    ...clientRate,
  ];
};

const scheduler = (folder: string, { ports }: ClusterState): readonly string[] => [
  `--kubeconfig=${clusterFiles(folder).kubeconfig}`,
  `--bind-address=${loopback}`,
  `--secure-port=${ports.scheduler}`,
  "--leader-elect=false",
  ...clientRate,
];

const kwok = (folder: string, { ports }: ClusterState): readonly string[] => {
  const files = clusterFiles(folder);
  return [
    `--kubeconfig=${files.kubeconfig}`,
    "--manage-all-nodes=true",
    "--enable-crds=Stage,Logs,ClusterLogs",
    `--node-ip=${loopback}`,
    `--node-port=${ports.kwok}`,
    `--server-address=${loopback}:${ports.kwok}`,
    `--tls-cert-file=${files.certificate}`,
    `--tls-private-key-file=${files.certificateKey}`,
    "--cidr=10.0.0.0/8",
  ];
};

const jobset = (folder: string): readonly string[] => [
  `--config=${jobSetSettings(folder)}`,
  `--kubeconfig=${clusterFiles(folder).kubeconfig}`,
];

const builders: Readonly<Record<ComponentName, (folder: string, state: ClusterState) => readonly string[]>> = {
  etcd,
  "kube-apiserver": apiServer,
  "kube-controller-manager": controllerManager,
  "kube-scheduler": scheduler,
  kwok,
  jobset,
};

/** Arguments of one program of a cluster. */
export const componentArguments = (component: ComponentName, folder: string, state: ClusterState): readonly string[] =>
  builders[component](folder, state);
