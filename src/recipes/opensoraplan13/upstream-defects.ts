/**
 * What is wrong with upstream's OpenSoraPlan1.3 folder in MindSpeed-MM v26.0.0, and what is done about it here. Rows are numbered as in
 * the project's list of upstream's defects, which patches of the runtime name too.
 */
import { type FieldMetadata, say } from "../../config/fields.ts";

/** One defect. */
export interface UpstreamDefect {
  readonly row: number;
  readonly finding: FieldMetadata;
  readonly here: FieldMetadata;
}

/** All defects in order. */
export const upstreamDefects: readonly UpstreamDefect[] = [
  {
    row: 1,
    finding: say("The scripts end with 0 whatever happens", "脚本无论成败均以 0 退出"),
    here: say(
      "torchrun is started directly; its exit code counts, and 0 is believed only when the result is there",
      "直接启动 torchrun,采用其退出码,且仅在结果存在时认可 0",
    ),
  },
  {
    row: 2,
    finding: say(
      "The global batch of text-to-video leaves out the pipeline size, that of image-to-video does not",
      "文生视频脚本的 GBS 公式未除以 PP,图生视频脚本则除以",
    ),
    here: say(
      "Global batch = micro batch × data parallel × microbatches, for all tasks",
      "统一为 GBS = MBS × DP × 微批数",
    ),
  },
  {
    row: 3,
    finding: say("A virtual pipeline of 1 is passed although there is none", "未启用 VP 仍传入 1"),
    here: say("Passed as upstream does; the program ignores it", "与上游一致,程序会忽略"),
  },
  {
    row: 4,
    finding: say(
      "The guide's example of virtual pipelining contradicts its own list of layers",
      "指南的 VP 示例与其层数列表矛盾",
    ),
    here: say(
      "parallel.virtualPipeline must be the number of lists in parallel.layersPerStage",
      "parallel.virtualPipeline 必须等于 layersPerStage 外层长度",
    ),
  },
  {
    row: 5,
    finding: say("The only checkpoint is written at the very end", "仅在训练结束时保存一次"),
    here: say("A warning names a fitting interval", "给出告警与建议值"),
  },
  {
    row: 6,
    finding: say(
      "A wrong weight folder means training from random weights, silently",
      "权重路径错误时静默地从随机权重开始训练",
    ),
    here: say("The pod checks weights and layout before the program starts", "Pod 启动前检查权重及并行切分"),
  },
  {
    row: 7,
    finding: say("The speed is computed on nodes that have no log lines", "无日志的节点也会计算性能并报错"),
    here: say("The pod of the last rank reports it", "由最后一个 rank 所在 Pod 输出"),
  },
  {
    row: 8,
    finding: say(
      "Image-to-video leaves out two memory variables, and uses another port",
      "图生视频脚本缺少两个内存相关变量且端口不同",
    ),
    here: say(
      "Kept as upstream has it; environmentVariables and training.masterPort change it",
      "与上游保持一致,可自行设置",
    ),
  },
  {
    row: 9,
    finding: say(
      "No published weights fit the 32 heads of the feature training",
      "特征训练为 32 头,没有匹配的开源权重",
    ),
    here: say(
      "convertDit is refused there; training starts from random or own weights",
      "拒绝 convertDit,从随机或自有权重开始",
    ),
  },
  {
    row: 10,
    finding: say(
      "Feature training fails at its first step: features carry no video mask",
      "特征中无视频掩码,特征训练首步报错",
    ),
    here: say(
      "The repair feature-training-without-mask must be in the image; the recipe warns",
      "镜像须含对应补丁,并给出实验性告警",
    ),
  },
  {
    row: 11,
    finding: say("The feature training computes no activation again", "特征训练不做重计算"),
    here: say("Kept as upstream has it; training.recomputeLayers changes it", "与上游一致,可自行设置"),
  },
  {
    row: 12,
    finding: say("Image-to-video inference ends with a NameError", "图生视频推理出现 NameError"),
    here: say("The repair i2v-inference-guidance must be in the image", "镜像须含对应补丁"),
  },
  {
    row: 13,
    finding: say("Inference and evaluation run without the usual environment", "推理与评测脚本缺少常用环境变量"),
    here: say("They get the variables of the training", "补充与训练相同的变量"),
  },
  {
    row: 14,
    finding: say("VBench's dependencies conflict with those of the training", "VBench 依赖与训练环境冲突"),
    here: say("Evaluation runs in image.evaluation", "评测使用独立镜像 image.evaluation"),
  },
  {
    row: 15,
    finding: say("The guide wants data and weights on every node", "指南要求每个节点都准备数据与权重"),
    here: say("Volumes that all nodes mount hold them once", "通过共享卷只存一份"),
  },
];
