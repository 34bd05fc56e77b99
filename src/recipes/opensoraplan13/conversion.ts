/** Stages that convert weights: the autoencoder, the transformer, and trained weights that are cut anew. */
import { posix } from "node:path";
import type { Artifact, ConversionNeeds, StagePlan } from "../../stages/stage-plan.ts";
import { autoencoderFile, stageLayers, vaeWeights, type WeightLayout } from "./artifacts.ts";
import { converterVersion } from "./facts.ts";
import { vaeSource } from "./sources.ts";
import { processorStage } from "./stage-parts.ts";
import type { ConversionSettings } from "./surface/weights.ts";
import type { TaskContext } from "./task.ts";

const converter = (command: string, ...fields: readonly (readonly [string, string])[]): readonly string[] => [
  "mm-convert",
  "OpenSoraPlanConverter",
  "--version",
  converterVersion,
  command,
  ...fields.flatMap(([name, value]) => [`--cfg.${name}`, value]),
];

/** What a conversion asks for when nothing larger is needed, in GiB. */
const leastMemoryGiB = 128;

/** Memory that a conversion needs: the whole weights once, and once more for each tensor parallel rank, which all are held at once. */
export const neededMemoryGiB = (conversion: ConversionSettings, tensor: number): number =>
  (tensor + 1) * conversion.weightsGiB;

const processors = (conversion: ConversionSettings, tensor: number) => ({
  ...conversion,
  memoryGiB: conversion.memoryGiB ?? Math.max(leastMemoryGiB, neededMemoryGiB(conversion, tensor)),
});

/** What the pod checks of a conversion: its memory against the real size of the weights, and what its source must be. */
const needs = (
  source: Artifact,
  copies: number,
  sourceFiles: readonly string[],
  isCheckpointSource = false,
): ConversionNeeds => ({
  sourcePath: source.path,
  sourceFiles,
  copies,
  memorySetting: "conversion.memoryGiB",
  ...(isCheckpointSource ? { isCheckpointSource } : {}),
});

/** Converts the downloaded autoencoder to the single file that MindSpeed-MM loads. */
export function convertVae(context: TaskContext): StagePlan {
  const source = vaeSource(context);
  const output = vaeWeights(context);
  return processorStage(context, processors(context.run.conversion, 0), {
    stage: "convertVae",
    conversion: needs(source, 1, []),
    program: converter(
      "vae_convert",
      ["source_path", source.path],
      ["target_path", posix.join(output.path, autoencoderFile)],
    ),
    inputs: [source],
    outputs: [output],
    volumes: ["weights"],
  });
}

/** Converts downloaded DiT weights and cuts them for a layout. */
export function convertDit(context: TaskContext, source: Artifact, output: Artifact, layout: WeightLayout): StagePlan {
  return processorStage(context, processors(context.run.conversion, layout.tensor), {
    stage: "convertDit",
    conversion: needs(source, layout.tensor + 1, ["**/*.safetensors"]),
    program: converter(
      "hf_to_mm",
      ["source_path", source.path],
      ["target_path", output.path],
      ["target_parallel_config.tp_size", String(layout.tensor)],
      ["target_parallel_config.pp_layers", layout.pipeline === 1 ? "[]" : JSON.stringify(stageLayers(layout))],
    ),
    inputs: [source],
    outputs: [output],
    volumes: ["weights"],
  });
}

/**
 * Cuts trained weights anew, for inference. The size is always named: the guide's form relies on a default of the converter that
 * nobody has shown to work.
 */
export function resplit(context: TaskContext, trained: Artifact, output: Artifact, tensor: number): StagePlan {
  return processorStage(context, processors(context.run.conversion, tensor), {
    stage: "resplit",
    conversion: needs(trained, tensor + 1, [], true),
    program: converter(
      "resplit",
      ["source_path", trained.path],
      ["target_path", output.path],
      ["target_parallel_config.tp_size", String(tensor)],
    ),
    inputs: [trained],
    outputs: [output],
    volumes: ["checkpoints"],
  });
}
