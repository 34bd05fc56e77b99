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

/** How ranks share the work of one run. */
export const parallelSchema = z.strictObject({
  tensor: positive.default(1).meta(say("Tensor parallel size", "张量并行(TP)大小")),
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
