/** Environment variables of programs, caches and devices that MindSpeed-MM's scripts and documentation name. */
import type { KnownVariable } from "./known-variable.ts";
import { absolutePath, numberList } from "./patterns.ts";

const repository = "MindSpeed-MM v26.0.0, scripts and documentation";
const path = { kind: "pattern", form: "an absolute path", check: absolutePath } as const;

/** The rest of the catalogue. */
export const programVariables: readonly KnownVariable[] = [
  {
    name: "ASCEND_RT_VISIBLE_DEVICES",
    values: { kind: "pattern", form: "0,1,2", check: numberList },
    default: "all NPUs of the pod",
    english: "NPUs that the process may use, by their numbers inside the pod",
    chinese: "进程可见的 NPU 编号(容器内逻辑编号)",
    source: repository,
  },
  {
    name: "ASCEND_VISIBLE_DEVICES",
    values: { kind: "pattern", form: "0,1,2", check: numberList },
    english: "NPUs that the container runtime mounts; follows from what the scheduler gave the pod",
    chinese: "容器运行时挂载的 NPU,由调度结果决定",
    source: "MindCluster 26.0.0 documentation",
  },
  {
    name: "STREAMS_PER_DEVICE",
    values: { kind: "choice", choices: ["8", "32"] },
    default: "32",
    english: "Streams in the pool of each NPU",
    chinese: "每个 NPU 的 stream 池大小",
    source: "torch_npu 2.7.1 reference of environment variables",
  },
  {
    name: "ASCEND_GLOBAL_EVENT_ENABLE",
    values: { kind: "flag" },
    english: "Whether logs hold events",
    chinese: "是否记录 Event 日志",
    source: repository,
  },
  {
    name: "OMP_NUM_THREADS",
    values: { kind: "integer", minimum: 1, maximum: 1024, unit: "threads" },
    english: "Threads of parallel regions on the processor",
    chinese: "OpenMP 线程数",
    source: repository,
  },
  {
    name: "NON_MEGATRON",
    values: { kind: "choice", choices: ["true", "false"] },
    english: "true selects the trainer of other model families, which does without Megatron",
    chinese: "true 表示使用不依赖 Megatron 的 FSDP 训练器(其他模型)",
    source: repository,
  },
  {
    name: "VP_SIZE",
    values: { kind: "integer", minimum: 1, maximum: 1024 },
    english: "Virtual pipeline size in scripts of other model families; no program of this model reads it",
    chinese: "其他模型脚本中的 VP 大小,本模型不读取",
    source: repository,
  },
  {
    name: "HF_HUB_OFFLINE",
    values: { kind: "flag" },
    english: "1 keeps Hugging Face libraries from asking the network",
    chinese: "1 表示 Hugging Face 离线模式",
    source: repository,
  },
  {
    name: "TORCH_HOME",
    values: path,
    english: "Folder in which PyTorch keeps downloaded models",
    chinese: "PyTorch 模型缓存目录",
    source: repository,
  },
  {
    name: "VBENCH_CACHE_DIR",
    values: path,
    english: "Folder in which VBench keeps its models",
    chinese: "VBench 模型缓存目录",
    source: repository,
  },
];
