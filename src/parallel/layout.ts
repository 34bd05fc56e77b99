/**
 * How the ranks of a training are divided: tensor, pipeline, context and data parallel sizes, and what follows from them for the
 * batch. Plain arithmetic; whether a layout may run is decided in `rules.ts`.
 */

/** How attention shares a sequence among the context parallel ranks. */
export type ContextAlgorithm =
  | { readonly kind: "ulysses" }
  | {
      readonly kind: "ring";
      readonly windowSize: number;
      readonly overlapSendReceive: boolean;
      readonly acknowledgeBroken: boolean;
    }
  | {
      readonly kind: "hybrid";
      readonly ulyssesDegree: number;
      readonly windowSize: number;
      readonly overlapSendReceive: boolean;
      readonly acknowledgeBroken: boolean;
    };

/** Layers of each pipeline stage; with virtual pipelining one such list for each virtual chunk (virtual index outer). */
export type StageLayers = readonly number[] | readonly (readonly number[])[];

/** Context and data parallel sizes that are chosen anew for each step, by the size of its clips. */
export interface DynamicContext {
  /** Largest context parallel size of a step. */
  readonly maximumContext: number;
  /** Largest clip that one NPU can hold, in values of the video tensor. */
  readonly maximumSequenceLength: number;
}

/** Strategies that the user asks for; sizes are counts of ranks, at least 1. */
export interface ParallelRequest {
  readonly tensor: number;
  readonly pipeline: number;
  readonly virtualPipeline: number;
  /** Split evenly when absent. */
  readonly layersPerStage?: StageLayers | undefined;
  readonly context: number;
  readonly sequence: boolean;
  readonly contextAlgorithm: ContextAlgorithm;
  readonly dynamicContext?: DynamicContext | undefined;
  /** Ranks that share the encoding of one clip; 1 is off. */
  readonly vaeContext: number;
  /** Whether ranks that share a sample divide its encoding among them. */
  readonly encoderData: boolean;
  /** Steps whose clips are encoded at once before the encoders leave the NPU memory; 1 keeps them there. */
  readonly encoderOffloadInterval: number;
}

/** Samples a step: `micro` a rank and microbatch; then either the microbatches a step or the global batch, never both. */
export interface BatchRequest {
  readonly micro: number;
  readonly accumulation?: number | undefined;
  readonly global?: number | undefined;
}

/** The derived layout of one run. */
export interface ParallelLayout extends Omit<ParallelRequest, "layersPerStage"> {
  /** Layers of each stage: virtual index outer, pipeline stage inner. One list of one number without pipelining. */
  readonly layersPerStage: readonly (readonly number[])[];
  /** Ranks in all: nodes × NPUs a node. */
  readonly worldSize: number;
  /** Replicas of the model: world size / (tensor × pipeline × context); not an integer when the request does not divide. */
  readonly data: number;
  readonly microBatch: number;
  /** Samples a step over all replicas: micro batch × data × microbatches. */
  readonly globalBatch: number;
  /** Microbatches a step on one replica (gradient accumulation). */
  readonly microbatches: number;
}

/** Ranks that share one copy of the model. */
export const modelParallelSize = (request: Pick<ParallelRequest, "tensor" | "pipeline" | "context">): number =>
  request.tensor * request.pipeline * request.context;

/**
 * Layers split as evenly as they go: virtual index outer, stage inner. What does not divide goes to the last stages first, because
 * the first one also holds the text encoder and the autoencoder.
 */
export function evenStages(layers: number, pipeline: number, virtualPipeline: number): readonly (readonly number[])[] {
  const cells = pipeline * virtualPipeline;
  const share = Math.floor(layers / cells);
  const rest = layers - share * cells;
  return Array.from({ length: virtualPipeline }, (_, chunk) =>
    Array.from({ length: pipeline }, (_, stage) => share + (chunk * pipeline + (pipeline - 1 - stage) < rest ? 1 : 0)),
  );
}

const isNested = (layers: StageLayers): layers is readonly (readonly number[])[] => Array.isArray(layers[0]);

/** Layers of each stage as lists of lists. Without pipelining all layers are in one place, whatever was asked for. */
function stagesOf(request: ParallelRequest, layers: number): readonly (readonly number[])[] {
  const { pipeline, virtualPipeline, layersPerStage } = request;
  if (layersPerStage === undefined || pipeline === 1) return evenStages(layers, pipeline, virtualPipeline);
  return isNested(layersPerStage) ? layersPerStage : [layersPerStage];
}

/**
 * Completes a request to a layout; `layers` is how many the model has.
 *
 * The global batch is micro batch × data parallel × microbatches. Upstream's text-to-video script leaves the pipeline size out of
 * its formula and so gets pipeline-times more microbatches; here microbatches are always what the user asked for.
 */
export function layoutOf(
  request: ParallelRequest,
  batch: BatchRequest,
  worldSize: number,
  layers: number,
): ParallelLayout {
  const data = worldSize / modelParallelSize(request);
  const microbatches = batch.global === undefined ? (batch.accumulation ?? 1) : batch.global / (batch.micro * data);
  const globalBatch = batch.global ?? batch.micro * data * microbatches;
  return {
    ...request,
    layersPerStage: stagesOf(request, layers),
    worldSize,
    data,
    microBatch: batch.micro,
    globalBatch,
    microbatches,
  };
}

/** Whether a number is a count: whole and at least 1. */
export const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;

/** Divisors of a positive integer in rising order. */
export function divisors(value: number): readonly number[] {
  const small: number[] = [];
  for (let candidate = 1; candidate * candidate <= value; candidate += 1) {
    if (value % candidate === 0) small.push(candidate);
  }
  const large = small.map((candidate) => value / candidate).filter((candidate) => candidate * candidate > value);
  return [...small, ...large.reverse()];
}

/** Numbers as a list in a message. */
export const list = (values: readonly (number | string)[]): string => values.join(", ");
