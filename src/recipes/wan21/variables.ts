/**
 * Environment variables of the stages that use NPUs.
 *
 * Source: 14b/t2v/pretrain_fsdp2.sh and feature_extract/feature_extraction.sh of examples/wan2.1 in MindSpeed-MM v26.0.0.
 */
const shared = {
  ASCEND_SLOG_PRINT_TO_STDOUT: "0",
  ASCEND_GLOBAL_LOG_LEVEL: "3",
  TASK_QUEUE_ENABLE: "1",
  COMBINED_ENABLE: "1",
  CPU_AFFINITY_CONF: "1",
  HCCL_CONNECT_TIMEOUT: "1200",
  PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True",
} as const;

/** Variables of the training. FSDP2 wants several queues a device. */
export const trainingVariables = { CUDA_DEVICE_MAX_CONNECTIONS: "2", ...shared } as const;

/** Variables of the extraction. */
export const extractionVariables = { CUDA_DEVICE_MAX_CONNECTIONS: "1", ...shared } as const;
