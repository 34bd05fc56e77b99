/** What a stack file says of weights: where downloaded ones lie, and what their conversion needs. */
import { z } from "zod";
import { positive, relativePath, say } from "../../../config/fields.ts";

const vae = relativePath
  .default("open-sora-plan/merged.ckpt")
  .meta(say("Downloaded video autoencoder, below the weights volume", "下载的 VAE 权重,相对权重卷"));
const textEncoder = relativePath
  .default("google/mt5-xxl")
  .meta(say("mT5-xxl, below the weights volume", "mT5-xxl 目录,相对权重卷"));

/**
 * Where downloaded weights lie.
 *
 * @param ditFolder default folder of the DiT weights
 */
export const sourcesSchema = (ditFolder: string) =>
  z
    .strictObject({
      vae,
      dit: relativePath
        .default(ditFolder)
        .meta(say("Downloaded DiT weights, below the weights volume", "下载的 DiT 权重,相对权重卷")),
      textEncoder,
    })
    .prefault({})
    .meta(say("Downloaded weights", "下载的原始权重"));

/** The same without DiT weights, for trainings that no released weights fit. */
export const encoderSourcesSchema = z
  .strictObject({ vae, textEncoder })
  .prefault({})
  .meta(say("Downloaded weights", "下载的原始权重"));

/** What stages that convert weights ask of their node. */
export const conversionSchema = z
  .strictObject({
    processorCores: positive.default(8).meta(say("Processor cores of the pod", "Pod 的 CPU 核数")),
    memoryGiB: positive
      .optional()
      .meta(
        say(
          "Memory of the pod, in GiB; when absent what the conversion needs, and at least 128",
          "Pod 的内存(GiB);缺省按转换所需估算,且不少于 128",
        ),
      ),
    weightsGiB: positive
      .default(12)
      .meta(
        say(
          "Size of the DiT weights in memory, in GiB: 2.7 billion parameters of 4 bytes, and some room. The converter holds one copy a tensor parallel rank, and one more; the pod checks the real size",
          "DiT 权重在内存中的大小(GiB),按约 27 亿参数、每参数 4 字节并留余量;转换时需 TP+1 份,Pod 内按实际大小复核",
        ),
      ),
    timeoutMinutes: positive
      .max(100_000)
      .default(120)
      .meta(say("How long `pulumi up` waits for the stage, in minutes", "pulumi up 等待该阶段的最长时间(分钟)")),
  })
  .prefault({})
  .meta(say("Stages that convert weights", "权重转换阶段"));

/** Settings of the conversion. */
export type ConversionSettings = z.infer<typeof conversionSchema>;
