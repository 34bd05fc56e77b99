/** What the hardware table and a stack file say together about the NPUs of an environment. */
import type { Environment } from "../config/schema.ts";
import { type NodeShape, nodeShapeOf } from "../hardware/node-shapes.ts";
import { type ResourcePreset, resourcePresetOf } from "../hardware/resource-presets.ts";

/** The node shape of an environment. */
export const shapeOf = ({ cluster }: Environment): NodeShape => nodeShapeOf(cluster.nodeShape);

/** Who publishes the NPUs of an environment. */
export const presetOf = ({ cluster }: Environment): ResourcePreset => resourcePresetOf(cluster.resourcePreset);

/** Name of the extended resource of the NPUs. */
export const npuResourceName = (environment: Environment): string =>
  environment.cluster.resourceName ?? presetOf(environment).resourceName(shapeOf(environment));

/** Value of the annotation `huawei.com/schedule_policy`. */
export const schedulePolicyOf = (environment: Environment): string =>
  environment.cluster.schedulePolicy ?? shapeOf(environment).schedulePolicy;

/** Whether Volcano places the NPU pods of an environment. */
export function isPlacedByVolcano({ cluster: { scheduler } }: Environment): boolean {
  switch (scheduler.kind) {
    case "job":
    case "jobSet":
      return scheduler.schedulerName === "volcano";
    case "volcanoJob":
    case "ascendJob":
      return true;
    default:
      return scheduler satisfies never;
  }
}

/**
 * Whether MindCluster's plugin for Volcano chooses whole NPUs and writes its choice on the pod. On any other cluster the device
 * plugin's own allocation decides, and a variable that reads the absent annotation would hide the devices.
 */
export const isChosenByPlugin = (environment: Environment): boolean =>
  isPlacedByVolcano(environment) && presetOf(environment).hasMindCluster;

/**
 * Whether pods mount folders of their node, which Pod Security admits on the `privileged` level only: the driver, where no Ascend
 * Docker Runtime mounts it.
 */
export const needsHostPaths = ({ cluster }: Environment): boolean => cluster.driverMounts;

/** Whether pods use the node's network, which Pod Security admits on the `privileged` level only. */
export const needsHostNetwork = ({ cluster }: Environment): boolean => cluster.network.mode === "hostNetwork";
