/**
 * Who publishes the NPUs of a cluster, and under which resource name.
 *
 * Sources: MindCluster's device plugin documentation (26.0.0), the add-on of Huawei Cloud CCE as used by vllm-ascend's own tests, and
 * the names of HAMi's Ascend device plugin.
 */
import type { NodeShape } from "./node-shapes.ts";

/** What a device plugin means for pods. */
export interface ResourcePreset {
  /** In words, for messages. */
  readonly title: string;
  /** The extended resource of a node shape's NPUs. */
  readonly resourceName: (shape: NodeShape) => string;
  /** Whether MindCluster's scheduler plugin chooses the NPUs and writes its choice on the pod. */
  readonly hasMindCluster: boolean;
}

/** The presets by name. */
export const resourcePresets = {
  mindcluster: {
    title: "MindCluster's device plugin",
    resourceName: ({ resourceName }) => resourceName,
    hasMindCluster: true,
  },
  cce: {
    title: "the NPU add-on of Huawei Cloud CCE",
    resourceName: () => "huawei.com/ascend-1980",
    hasMindCluster: false,
  },
  hami: {
    title: "HAMi's device plugin",
    resourceName: ({ chipModel }) => `huawei.com/Ascend${chipModel}`,
    hasMindCluster: false,
  },
} as const satisfies Readonly<Record<string, ResourcePreset>>;

/** Name of a preset, as written in a stack file. */
export type ResourcePresetName = keyof typeof resourcePresets;

/** The preset of that name, typed as the plain interface. */
export const resourcePresetOf = (name: ResourcePresetName): ResourcePreset => resourcePresets[name];
