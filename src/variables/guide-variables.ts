/** The environment variables of the MindSpeed-MM guide, in its order, and what the guide's scripts export beside. */
import type { GuideTask, KnownVariable } from "./known-variable.ts";
import { affinity, allocator } from "./patterns.ts";

const guide = "MindSpeed-MM 26.0.0 guide";
const cann = "CANN 9.0 reference of environment variables";
const torchNpu = "torch_npu 2.7.1 reference of environment variables";

const trainings: readonly GuideTask[] = ["t2v", "i2v", "featureTraining", "extractFeatures"];
const trainingsButImages = trainings.filter((task) => task !== "i2v");
const everyTask: readonly GuideTask[] = [...trainings, "inference", "evaluation"];

/** The fourteen of the guide's table. */
export const guideVariables: readonly KnownVariable[] = [
  {
    name: "ASCEND_SLOG_PRINT_TO_STDOUT",
    values: { kind: "flag" },
    default: "0",
    english: "Whether the logs of CANN go to the standard output instead of files",
    chinese: "CANN 日志是否打屏",
    source: guide,
    exported: { value: "0", tasks: trainings },
  },
  {
    name: "ASCEND_GLOBAL_LOG_LEVEL",
    values: { kind: "choice", choices: ["0", "1", "2", "3", "4"] },
    default: "3",
    english: "Level of the logs: 0 debug, 1 information, 2 warning, 3 error, 4 none",
    chinese: "日志级别:0 DEBUG,1 INFO,2 WARNING,3 ERROR,4 不输出",
    source: guide,
    exported: { value: "3", tasks: trainings },
  },
  {
    name: "TASK_QUEUE_ENABLE",
    values: { kind: "choice", choices: ["0", "1", "2"] },
    default: "1",
    english: "Optimisation of the operator queue: 0 off, 1 and 2 on; 2 is faster and raises the peak of memory",
    chinese: "算子下发队列优化等级:0 关闭,1、2 开启;2 更快但内存峰值更高",
    source: guide,
    exported: { value: "1", tasks: trainings },
  },
  {
    name: "COMBINED_ENABLE",
    values: { kind: "flag" },
    default: "0",
    english: "Whether combined non-contiguous operators are optimised",
    chinese: "是否优化非连续两个算子组合类场景",
    source: guide,
    exported: { value: "1", tasks: trainings },
  },
  {
    name: "CPU_AFFINITY_CONF",
    values: { kind: "pattern", form: "0, 1 or 2, then optionally npu0:0-23 and npu_affine:0 or 1", check: affinity },
    english: "Binds processes to processor cores: 0 off, 1 coarse, 2 fine; ranges may be given for each NPU",
    chinese: "进程绑核:0 关闭,1 粗粒度,2 细粒度;可按 NPU 指定核范围",
    source: guide,
    exported: { value: "1", tasks: trainings },
  },
  {
    name: "HCCL_CONNECT_TIMEOUT",
    values: { kind: "integer", minimum: 120, maximum: 7200, unit: "s" },
    default: "120",
    english:
      "How long ranks wait for each other at the start; must exceed the time between the first and the last pod's start",
    chinese: "建链等待时间,须大于各 Pod 启动的时间差",
    source: guide,
    exported: { value: "1200", tasks: trainings },
  },
  {
    name: "PYTORCH_NPU_ALLOC_CONF",
    values: {
      kind: "pattern",
      form: "options name:value, separated by commas: expandable_segments (True, False), max_split_size_mb (above 20), garbage_collection_threshold (0 to 1), page_size (1g), segment_size_mb (20 to 512)",
      check: allocator,
    },
    default: "expandable_segments:False",
    english: "Options of the NPU memory allocator; expandable segments need HDK 23.0.0 or newer",
    chinese: "NPU 缓存分配器选项;expandable_segments 需 HDK 23.0.0 及以上",
    source: `${guide}; ${torchNpu}`,
    exported: { value: "expandable_segments:True", tasks: trainingsButImages },
  },
  {
    name: "HCCL_EXEC_TIMEOUT",
    values: {
      kind: "integer",
      minimum: 0,
      maximum: 2_147_483_647,
      unit: "s",
      usual: { minimum: 68, maximum: 17_340 },
    },
    default: "1836",
    english: "How long a rank waits for the others while training, for instance during a checkpoint; 0 is for ever",
    chinese: "设备间执行时同步等待时间,如保存检查点期间;0 表示永不超时",
    source: `${guide} (68 to 17340); ${cann} (from 0)`,
  },
  {
    name: "ACLNN_CACHE_LIMIT",
    values: { kind: "integer", minimum: 1, maximum: 10_000_000, unit: "entries" },
    default: "10000",
    english: "Entries of the operator cache on the host",
    chinese: "单算子 host 侧缓存条目数",
    source: guide,
  },
  {
    name: "TOKENIZERS_PARALLELISM",
    values: { kind: "choice", choices: ["true", "false"] },
    english: "Whether tokenisers use several threads",
    chinese: "tokenizer 是否多线程并行",
    source: guide,
  },
  {
    name: "MULTI_STREAM_MEMORY_REUSE",
    values: { kind: "choice", choices: ["0", "1", "2", "3"], usual: ["0", "1"] },
    default: "1",
    english: "Whether streams reuse each other's memory; 2 and 3 are further modes of torch_npu",
    chinese: "多流内存复用;2、3 为 torch_npu 的其他模式",
    source: `${guide} (0, 1); ${torchNpu} (0 to 3)`,
    exported: { value: "1", tasks: trainingsButImages },
  },
  {
    name: "NPU_ASD_ENABLE",
    values: { kind: "choice", choices: ["0", "1", "2", "3"] },
    default: "0",
    english: "Detection of silent errors: 0 off, 1 logs, 2 also stops, 3 also writes the values' course",
    chinese: "特征值检测(静默错误):0 关闭,1 打印日志,2 告警并退出,3 另记录过程数据",
    source: guide,
  },
  {
    name: "ASCEND_LAUNCH_BLOCKING",
    values: { kind: "flag" },
    default: "0",
    english: "Runs operators one by one; for debugging only, it makes training slow",
    chinese: "算子同步执行,仅用于调试,会明显降低性能",
    source: guide,
  },
  {
    name: "NPUS_PER_NODE",
    values: { kind: "integer", minimum: 1, maximum: 16 },
    english: "NPUs of a node, in the guide's scripts; no program reads it, the setting npusPerNode decides",
    chinese: "每节点 NPU 数,仅脚本使用;此处由 npusPerNode 决定",
    source: guide,
  },
];

/** Exported by every script of the guide, though not in its table. */
export const megatronVariables: readonly KnownVariable[] = [
  {
    name: "CUDA_DEVICE_MAX_CONNECTIONS",
    values: { kind: "integer", minimum: 1, maximum: 32 },
    english: "Checked by Megatron, without effect on an NPU: 1 with tensor or context parallelism",
    chinese: "Megatron 校验项,对 NPU 无实际作用;开启 TP/CP 时须为 1",
    source: "MindSpeed-MM v26.0.0, mindspeed_mm/patchs/validate_args_patch.py",
    exported: { value: "1", tasks: everyTask },
  },
];
