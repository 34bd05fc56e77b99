/** What a stack file says of parallel strategies and batch sizes: the slice of the surface that belongs to this room. */
import { z } from "zod";
import { positive, say } from "../config/fields.ts";

const ringFields = {
  windowSize: positive
    .default(1)
    .meta(say("Inner window of double ring attention, in ranks", "双层 Ring Attention 的内层窗口(rank 数)")),
  overlapSendReceive: z.boolean().default(true).meta(say("Whether sending and receiving overlap", "是否启用收发重叠")),
  acknowledgeBroken: z
    .boolean()
    .default(false)
    .meta(say("Runs it although MindSpeed-MM 26.0.0 breaks it for this model", "明知 26.0.0 中该模型不可用仍要启用")),
};

const layerCounts = z.array(positive).min(1).max(1024);

/** Defaults are those of `max_cp_size` and `max_seq_size` in the model files of MindSpeed-MM v26.0.0. */
const dynamicContextSchema = z.strictObject({
  maximumContext: positive
    .default(4)
    .meta(say("Largest context parallel size of a step; a power of two", "单步最大 CP(max_cp_size),须为 2 的幂")),
  maximumSequenceLength: positive
    .default(54_853_632)
    .meta(
      say(
        "Largest clip that one NPU can hold, in values: samples × channels × frames × height × width; larger ones are shared by more NPUs",
        "单卡可计算的最大输入(max_seq_size),即样本数×通道数×帧数×高×宽;更大的片段由多卡分担",
      ),
    ),
});

/** How ranks share the work of one run. */
export const parallelSchema = z.strictObject({
  tensor: positive.default(1).meta(say("Tensor parallel size", "张量并行(TP)大小")),
  pipeline: positive.default(1).meta(say("Pipeline parallel size", "流水线并行(PP)大小")),
  virtualPipeline: positive
    .default(1)
    .meta(
      say("Model chunks of each pipeline rank; 1 is plain pipelining", "每个 PP rank 的虚拟流水段数(VP),1 为不启用"),
    ),
  layersPerStage: z
    .union([layerCounts, z.array(layerCounts).min(1).max(1024)])
    .optional()
    .meta(
      say(
        "Layers of each pipeline stage, or one such list for each virtual chunk; split evenly when absent, with fewer on the first stage, which also holds the encoders",
        "各流水段的层数;启用 VP 时为列表的列表(外层为虚拟段)。缺省均分,不能整除时首段较少,因其还承载编码器",
      ),
    ),
  context: positive.default(1).meta(say("Context parallel size", "序列并行(CP)大小")),
  sequence: z
    .boolean()
    .default(true)
    .meta(
      say(
        "Megatron's sequence parallelism; without tensor parallelism it does nothing",
        "Megatron 序列并行(SP);未开 TP 时不起作用",
      ),
    ),
  contextAlgorithm: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("ulysses").meta(say("Each rank holds some heads of the whole sequence", "Ulysses 序列并行")),
      }),
      z.strictObject({ kind: z.literal("ring").meta(say("Ring attention", "Ring Attention 序列并行")), ...ringFields }),
      z.strictObject({
        kind: z.literal("hybrid").meta(say("Ulysses and ring together (USP)", "Ulysses 与 Ring 混合(USP)")),
        ulyssesDegree: positive.meta(say("Ranks of the Ulysses part", "Ulysses 部分的并行度")),
        ...ringFields,
      }),
    ])
    .default({ kind: "ulysses" })
    .meta(say("How attention shares a sequence", "注意力计算切分序列的方式")),
  dynamicContext: dynamicContextSchema
    .optional()
    .meta(
      say(
        "Chooses data and context parallel sizes anew for each step by the size of its clips; off when absent",
        "按每步数据尺寸动态切换 DP/CP(use_dynamic_dpcp);缺省不启用",
      ),
    ),
  vaeContext: positive
    .default(1)
    .meta(say("Ranks that share the encoding of one clip; 1 is off", "VAE 序列并行(vae_cp_size),1 为不启用")),
  encoderData: z
    .boolean()
    .default(false)
    .meta(say("Spreads the encoding of clips over the ranks that share a sample", "编码器数据并行(enable_encoder_dp)")),
  encoderOffloadInterval: positive
    .default(1)
    .meta(
      say(
        "Steps whose clips are encoded at once before the encoders leave the NPU memory; 1 keeps them there",
        "编码器按该步数间隔批量编码后卸载(encoder_offload_interval),1 为不卸载",
      ),
    ),
});

/** Samples a step. */
export const batchSchema = z
  .strictObject({
    micro: positive.default(1).meta(say("Samples of a microbatch on one rank", "微批大小(MBS)")),
    accumulation: positive
      .optional()
      .meta(
        say(
          "Microbatches a step; 1 when neither this nor global is given",
          "梯度累积步数(ACC),未给出且无 global 时为 1",
        ),
      ),
    global: positive.optional().meta(say("Samples a step over all ranks", "全局批大小(GBS)")),
  })
  .superRefine(({ accumulation, global }, context) => {
    if (accumulation === undefined || global === undefined) return;
    context.addIssue({
      code: "custom",
      path: ["global"],
      message: "the global batch follows from the accumulation",
      params: { got: "both", allowed: "accumulation or global", remedy: "remove one of them" },
    });
  });
