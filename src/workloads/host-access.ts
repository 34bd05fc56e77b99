/** What training pods take from their node: NPUs chosen by a plugin, the driver, the network. Nothing of it by default. */
import type { Environment } from "../config/schema.ts";
import { isChosenByPlugin, needsHostNetwork, needsHostPaths, npuResourceName } from "../kubernetes/npus.ts";
import type { StagePlan } from "../stages/stage-plan.ts";

/** A file or folder of the node that a pod reads. */
interface HostPath {
  readonly name: string;
  readonly path: string;
  readonly type: "Directory" | "File";
}

/**
 * What Ascend Docker Runtime would mount, where there is none. `driver` also holds `version.info`, which the runtime leaves out.
 *
 * Source: /etc/ascend-docker-runtime.d/base.list of MindCluster 26.0.0, and the install guide of MindSpeed-MM 26.0.0.
 */
const driverPaths: readonly HostPath[] = [
  { name: "ascend-driver", path: "/usr/local/Ascend/driver", type: "Directory" },
  { name: "ascend-dcmi", path: "/usr/local/dcmi", type: "Directory" },
  { name: "ascend-npu-smi", path: "/usr/local/bin/npu-smi", type: "File" },
  { name: "ascend-install-info", path: "/etc/ascend_install.info", type: "File" },
];

/** Search path of the driver's libraries; the runtime sets it where there is one. */
const driverLibraries = "/usr/local/Ascend/driver/lib64/driver:/usr/local/Ascend/driver/lib64/common";

const pathsOf = (environment: Environment, { kind }: StagePlan): readonly HostPath[] =>
  kind === "npu" && needsHostPaths(environment) ? driverPaths : [];

const isOnHostNetwork = (environment: Environment, { kind }: StagePlan): boolean =>
  kind === "npu" && needsHostNetwork(environment);

/** The pod's volumes of the node's driver. */
export const hostVolumes = (environment: Environment, plan: StagePlan): readonly unknown[] =>
  pathsOf(environment, plan).map(({ name, path, type }) => ({ name, hostPath: { path, type } }));

/** The container's mounts of them. */
export const hostMounts = (environment: Environment, plan: StagePlan): readonly unknown[] =>
  pathsOf(environment, plan).map(({ name, path }) => ({ name, mountPath: path, readOnly: true }));

/** Fields of a pod on the node's network; names of Services are resolved there only by this DNS policy. */
export const hostNetworkFields = (environment: Environment, plan: StagePlan): Readonly<Record<string, unknown>> =>
  isOnHostNetwork(environment, plan) ? { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" } : {};

const fieldReference = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** Variables whose value only the cluster knows, or that stand for what a runtime would set. */
export function hostVariables(environment: Environment, plan: StagePlan): readonly unknown[] {
  if (plan.kind !== "npu") return [];
  return [
    // Without this variable the container runtime shows no NPU; the plugin writes its choice under the resource's own name.
    ...(isChosenByPlugin(environment)
      ? [fieldReference("ASCEND_VISIBLE_DEVICES", `metadata.annotations['${npuResourceName(environment)}']`)]
      : []),
    ...(isOnHostNetwork(environment, plan) ? [fieldReference("HCCL_IF_IP", "status.hostIP")] : []),
    ...(pathsOf(environment, plan).length > 0 ? [{ name: "LD_LIBRARY_PATH", value: driverLibraries }] : []),
  ];
}
