/**
 * Environment variables of the text-to-video pretraining: the nine that upstream's script exports.
 *
 * Source: examples/opensoraplan1.3/t2v/pretrain_t2v.sh of MindSpeed-MM v26.0.0.
 */

/** Exported by upstream before `torchrun`. */
export const pretrainVariables: Readonly<Record<string, string>> = {
  CUDA_DEVICE_MAX_CONNECTIONS: "1",
  ASCEND_SLOG_PRINT_TO_STDOUT: "0",
  ASCEND_GLOBAL_LOG_LEVEL: "3",
  TASK_QUEUE_ENABLE: "1",
  COMBINED_ENABLE: "1",
  CPU_AFFINITY_CONF: "1",
  HCCL_CONNECT_TIMEOUT: "1200",
  MULTI_STREAM_MEMORY_REUSE: "1",
  PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True",
};

/**
 * Variables that pick the network interface for the rendezvous of several nodes; without them HCCL and gloo guess.
 *
 * @param networkInterface name of the interface inside the pod, e.g. `eth0`
 */
export function interfaceVariables(networkInterface: string): Readonly<Record<string, string>> {
  return { HCCL_SOCKET_IFNAME: networkInterface, GLOO_SOCKET_IFNAME: networkInterface };
}
