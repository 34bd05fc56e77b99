/**
 * Environment variables of the stages that use NPUs.
 *
 * Source: the scripts of examples/opensoraplan1.3 in MindSpeed-MM v26.0.0.
 */
import type { TaskName } from "./task.ts";

type Variables = Readonly<Record<string, string>>;

/** Exported by every training script before `torchrun`. */
const training: Variables = {
  CUDA_DEVICE_MAX_CONNECTIONS: "1",
  ASCEND_SLOG_PRINT_TO_STDOUT: "0",
  ASCEND_GLOBAL_LOG_LEVEL: "3",
  TASK_QUEUE_ENABLE: "1",
  COMBINED_ENABLE: "1",
  CPU_AFFINITY_CONF: "1",
  HCCL_CONNECT_TIMEOUT: "1200",
};

/** Exported by the text-to-video scripts beside. */
const memory: Variables = {
  MULTI_STREAM_MEMORY_REUSE: "1",
  PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True",
};

/** Variables of a pretraining or of the feature extraction. The image-to-video script leaves out those of memory. */
export const trainingVariables = (task: TaskName): Variables =>
  task === "i2v" ? training : { ...training, ...memory };

/** Variables of inference and evaluation: upstream's scripts export the first alone, and so run without the usual tuning. */
export const inferenceVariables: Variables = { ...training, ...memory };

/**
 * Variables that pick the network interface for the rendezvous of several nodes; without them HCCL and gloo guess.
 *
 * @param networkInterface name of the interface inside the pod, e.g. `eth0`
 */
export function interfaceVariables(networkInterface: string): Variables {
  return { HCCL_SOCKET_IFNAME: networkInterface, GLOO_SOCKET_IFNAME: networkInterface };
}

/** Variables of the evaluation: VBench's models come from a folder, for nodes of a cluster often reach no hub. */
export const evaluationVariables = (cacheFolder: string): Variables => ({
  ...inferenceVariables,
  VBENCH_CACHE_DIR: cacheFolder,
  TORCH_HOME: cacheFolder,
  HF_HUB_OFFLINE: "1",
});
