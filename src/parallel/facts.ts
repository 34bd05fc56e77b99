/**
 * What the rules of this room may look at, and what they answer. All of it is plain data that a recipe hands over; no rule knows a
 * model by name. A fact that is absent switches off the rules that need it.
 */
import type { BatchRequest, ParallelLayout, ParallelRequest } from "./layout.ts";

/** Strategies that can be on or off, by the names of this room. */
export const strategies = [
  "tensor",
  "sequence",
  "ulysses",
  "ring",
  "pipeline",
  "virtualPipeline",
  "vaeContext",
  "encoderData",
  "encoderOffload",
  "dynamicContext",
] as const;

/** One of the strategies; `ring` stands for ring and for hybrid attention. */
export type Strategy = (typeof strategies)[number];

/** What the rules need to know of a model and its data. */
export interface ModelFacts {
  /** Attention heads of the predictor. */
  readonly attentionHeads: number;
  /** Transformer layers of the predictor. */
  readonly layers: number;
  /** Sequence length that the argument validator assumes, in tokens. */
  readonly sequenceLength: number;
  /** Length of the tokenised caption, in tokens. */
  readonly captionLength?: number;
  /** Latent frames that training samples can have: one entry a usable clip length, e.g. 24 for 93 frames. */
  readonly latentFrames?: readonly number[];
  /** Frames that the autoencoder turns into one latent frame. */
  readonly temporalStride?: number;
  /** Strategies that the recipe knows how to start; all when absent. */
  readonly strategies?: readonly Strategy[];
  /** Whether ring and hybrid attention work for this model in this release; they do not when absent. */
  readonly isRingWorking?: boolean;
  /** Weights that the converter loses when it cuts for pipeline stages: their layers would start from random values. */
  readonly keysLostWithPipeline?: readonly string[];
}

/** What the rules may ask of a run beside its parallel and batch settings. */
export interface RunFacts {
  /** Whether clips keep their own shape or all get one size. */
  readonly resolution?: "dynamic" | "static";
  /** Steps between checkpoints. */
  readonly saveInterval?: number;
  /** Number format of the video autoencoder. */
  readonly autoencoderType?: "bf16" | "fp16" | "fp32";
  /** Whether samples are features that were extracted before, so that no encoder runs. */
  readonly usesFeatures?: boolean;
  /** Which activations are computed again; absent when none are. */
  readonly recompute?: {
    readonly granularity: "full" | "selective";
    readonly method?: "block" | "uniform";
    /** Layers of a stage, or of a virtual chunk. */
    readonly layers: number;
    readonly distributesActivations?: boolean;
  };
  /** Whether pipeline stages send and receive while they compute; they do when absent. */
  readonly overlapsPointToPoint?: boolean;
  /** Value of CUDA_DEVICE_MAX_CONNECTIONS. */
  readonly deviceConnections?: string;
  /** How parameters are spread over data parallel ranks. */
  readonly sharding?: "distributedOptimizer" | "layerzero" | "fsdp2";
  /** Prompts of an inference. */
  readonly prompts?: number;
  /** Number formats of the training arguments and of the model file. */
  readonly precision?: { readonly training: "bf16" | "fp16" | "fp32"; readonly files: readonly string[] };
}

/** A layout to judge. */
export interface LayoutQuestion {
  readonly request: ParallelRequest;
  readonly batch: BatchRequest;
  readonly nodes: number;
  readonly npusPerNode: number;
  readonly model: ModelFacts;
  readonly run?: RunFacts;
}

/** A question with the layout that follows from it. */
export interface RuleContext extends LayoutQuestion {
  readonly layout: ParallelLayout;
}

/** How much a broken rule matters: an error stops or spoils the run, a warning may, a note only says what upstream does. */
export type Severity = "error" | "warning" | "note";

/** Settings of a stack file that can mend a broken rule: those of `parallel`, and those of `batch`. */
export const settings = [
  "tensor",
  "pipeline",
  "virtualPipeline",
  "layersPerStage",
  "context",
  "contextAlgorithm",
  "dynamicContext",
  "vaeContext",
  "encoderData",
  "encoderOffloadInterval",
  "micro",
  "accumulation",
  "global",
] as const;

/** One of the settings. */
export type Setting = (typeof settings)[number];

/** What a rule finds. `path` is relative to the run in the stack file. */
export interface Finding {
  readonly path: readonly string[];
  readonly what: string;
  readonly got: string;
  readonly allowed: string;
  /** Nearest valid values, where another setting than those of the layout mends it. */
  readonly nearest?: readonly string[];
  readonly remedy?: string;
}

/** One rule: its name, how much it matters, the place that enforces it upstream, and the check. */
export interface LayoutRule {
  readonly name: string;
  readonly severity: Severity;
  readonly source: string;
  /** All settings of the layout on which the verdict depends; none when only something else can mend it. */
  readonly mendedBy: readonly Setting[];
  readonly isBroken: (context: RuleContext) => boolean;
  /** The message; asked for only when the rule is broken. */
  readonly finding: (context: RuleContext) => Finding;
}

/** A broken rule, with the nearest settings that no rule refuses. */
export interface LayoutFinding extends Finding {
  readonly severity: Severity;
  readonly rule: string;
  readonly nearest: readonly string[];
}

/** A finding that a user has to hear of. */
export interface LayoutProblem extends LayoutFinding {
  readonly severity: "error" | "warning";
}
