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

/** Sizes that the user asks for; all counts of ranks, at least 1. */
export interface ParallelRequest {
  readonly tensor: number;
  readonly pipeline: number;
  readonly virtualPipeline: number;
  readonly context: number;
  readonly sequence: boolean;
  readonly contextAlgorithm: ContextAlgorithm;
}

/** Samples a step: `micro` a rank and microbatch; then either the microbatches a step or the global batch, never both. */
export interface BatchRequest {
  readonly micro: number;
  readonly accumulation?: number | undefined;
  readonly global?: number | undefined;
}

/** The derived layout of one run. */
export interface ParallelLayout extends ParallelRequest {
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
 * Completes a request to a layout.
 *
 * The global batch is micro batch × data parallel × microbatches. Upstream's text-to-video script leaves the pipeline size out of
 * its formula and so gets pipeline-times more microbatches; here microbatches are always what the user asked for.
 */
export function layoutOf(request: ParallelRequest, batch: BatchRequest, worldSize: number): ParallelLayout {
  const data = worldSize / modelParallelSize(request);
  const microbatches = batch.global === undefined ? (batch.accumulation ?? 1) : batch.global / (batch.micro * data);
  const globalBatch = batch.global ?? batch.micro * data * microbatches;
  return { ...request, worldSize, data, microBatch: batch.micro, globalBatch, microbatches };
}

/** Divisors of a positive integer in rising order. */
export function divisors(value: number): readonly number[] {
  return Array.from({ length: value }, (_, index) => index + 1).filter((candidate) => value % candidate === 0);
}

/** The value and its nearest neighbours among the allowed ones, nearest first, at most `limit`. */
export function nearestNumbers(value: number, allowed: readonly number[], limit = 3): readonly number[] {
  return [...allowed]
    .sort((left, right) => Math.abs(left - value) - Math.abs(right - value) || left - right)
    .slice(0, limit);
}
