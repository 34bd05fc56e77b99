/**
 * The machines that environments may use: what one node offers to Kubernetes.
 *
 * Facts: MindCluster 26.0.0 labels, resource names, scheduling policies and legal counts; node sizes of its own KWOK test nodes.
 */

import type { SchedulePolicy } from "./schedule-policies.ts";

/** Key of a node shape, as written in a stack file. */
export type NodeShapeName = keyof typeof nodeShapes;

/** One hardware row: what a node of this kind carries and how many NPUs a pod on it may ask for. */
export interface NodeShape {
  /** Product name for messages and tables. */
  readonly product: string;
  /** Generation of the chip: decides the image variant (`910b` or `a3`). */
  readonly chip: "910b" | "a3";
  /** Model of the chip as HAMi names it; other models of a generation exist, for them a stack file names the resource itself. */
  readonly chipModel: string;
  /** NPUs that Kubernetes counts on one node; on A3 this counts dies, two a package. */
  readonly npusPerNode: number;
  /** High-bandwidth memory of one counted NPU, in GiB. */
  readonly memoryPerNpuGiB: number;
  /** Kubernetes architecture of the host, the value of `kubernetes.io/arch`. */
  readonly architecture: "arm64" | "amd64";
  /** Name of the extended resource that the device plugin publishes. */
  readonly resourceName: string;
  /** NPU counts that the scheduler accepts for a job of a single pod. */
  readonly legalNpusSinglePod: readonly number[];
  /** NPU counts that the scheduler accepts for each pod of a job of several pods. */
  readonly legalNpusMultiPod: readonly number[];
  /** Value of the annotation `huawei.com/schedule_policy`. */
  readonly schedulePolicy: SchedulePolicy;
  /** Nodes of one super pod, where the nodes stand in super pods: inside one, NPUs of all nodes reach each other over HCCS. */
  readonly superPodNodes?: number;
  /** Host processors of a node, in cores. */
  readonly processorCores: number;
  /** Host memory of a node, in GiB. */
  readonly memoryGiB: number;
  /** Processor cores that a node keeps for the system. */
  readonly reservedProcessorCores: number;
  /** Memory that a node keeps for the system, in GiB. */
  readonly reservedMemoryGiB: number;
  /** Processor cores that a training pod on the whole node asks for: room is left for the platform's own pods. */
  readonly trainingProcessorCores: number;
  /** Memory that a training pod on the whole node asks for, in GiB. */
  readonly trainingMemoryGiB: number;
  /** Labels that the platform puts on such a node. */
  readonly nodeLabels: Readonly<Record<string, string>>;
}

const everyCountUpTo = (largest: number): readonly number[] => Array.from({ length: largest }, (_, index) => index + 1);
const evenCountsUpTo = (largest: number): readonly number[] =>
  everyCountUpTo(largest).filter((count) => count % 2 === 0);

const trainingNodeLabels = {
  "node-role.kubernetes.io/worker": "worker",
  workerselector: "dls-worker-node",
  accelerator: "huawei-Ascend910",
  "host-arch": "huawei-arm",
} as const;

const everyCountOfBox16 = [...everyCountUpTo(8), 10, 12, 14, 16];

/**
 * The hardware catalogue. `chip8-node8` takes any count from one to eight; `chip8-node16` any up to eight, above it even ones;
 * `chip2-node16` takes even counts, and one only for a job of one pod; `chip2-node16-sp` takes whole nodes for a job of several pods.
 */
export const nodeShapes = {
  "atlas-800t-a2": {
    product: "Atlas 800T A2",
    chip: "910b",
    chipModel: "910B3",
    npusPerNode: 8,
    memoryPerNpuGiB: 64,
    architecture: "arm64",
    resourceName: "huawei.com/Ascend910",
    legalNpusSinglePod: everyCountUpTo(8),
    legalNpusMultiPod: everyCountUpTo(8),
    schedulePolicy: "chip8-node8",
    processorCores: 192,
    memoryGiB: 768,
    reservedProcessorCores: 8,
    reservedMemoryGiB: 40,
    trainingProcessorCores: 160,
    trainingMemoryGiB: 600,
    nodeLabels: {
      ...trainingNodeLabels,
      "accelerator-type": "module-910b-8",
      "node.kubernetes.io/npu.chip.name": "910B3",
      "mind-cluster/npu-chip-memory": "64G",
    },
  },
  "atlas-200t-a2-box16": {
    product: "Atlas 200T A2 Box16",
    chip: "910b",
    chipModel: "910B3",
    npusPerNode: 16,
    memoryPerNpuGiB: 64,
    architecture: "amd64",
    resourceName: "huawei.com/Ascend910",
    legalNpusSinglePod: everyCountOfBox16,
    legalNpusMultiPod: everyCountOfBox16,
    schedulePolicy: "chip8-node16",
    processorCores: 96,
    memoryGiB: 720,
    reservedProcessorCores: 8,
    reservedMemoryGiB: 40,
    trainingProcessorCores: 80,
    trainingMemoryGiB: 600,
    nodeLabels: {
      ...trainingNodeLabels,
      "host-arch": "huawei-x86",
      "accelerator-type": "module-910b-16",
      "mind-cluster/npu-chip-memory": "64G",
    },
  },
  "atlas-800t-a3": {
    product: "Atlas 800T A3",
    chip: "a3",
    chipModel: "910C",
    npusPerNode: 16,
    memoryPerNpuGiB: 64,
    architecture: "arm64",
    resourceName: "huawei.com/Ascend910",
    legalNpusSinglePod: [1, ...evenCountsUpTo(16)],
    legalNpusMultiPod: evenCountsUpTo(16),
    schedulePolicy: "chip2-node16",
    processorCores: 192,
    memoryGiB: 1536,
    reservedProcessorCores: 8,
    reservedMemoryGiB: 40,
    trainingProcessorCores: 160,
    trainingMemoryGiB: 1200,
    nodeLabels: { ...trainingNodeLabels, "accelerator-type": "module-a3-16", "mind-cluster/npu-chip-memory": "64G" },
  },
  "atlas-900-a3-superpod": {
    product: "Atlas 900 A3 SuperPoD",
    chip: "a3",
    chipModel: "910C",
    npusPerNode: 16,
    memoryPerNpuGiB: 64,
    architecture: "arm64",
    resourceName: "huawei.com/Ascend910",
    legalNpusSinglePod: [1, ...evenCountsUpTo(16)],
    legalNpusMultiPod: [16],
    schedulePolicy: "chip2-node16-sp",
    superPodNodes: 48,
    processorCores: 192,
    memoryGiB: 1536,
    reservedProcessorCores: 8,
    reservedMemoryGiB: 40,
    trainingProcessorCores: 160,
    trainingMemoryGiB: 1200,
    nodeLabels: {
      ...trainingNodeLabels,
      "accelerator-type": "module-a3-16-super-pod",
      "mind-cluster/npu-chip-memory": "64G",
    },
  },
} as const satisfies Record<string, NodeShape>;

/** All shapes by name, typed as the plain interface (the catalogue itself keeps its literal types). */
export const nodeShapeOf = (name: NodeShapeName): NodeShape => nodeShapes[name];
