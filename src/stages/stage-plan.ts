/**
 * One stage as plain data: what runs, on how many NPUs, with which files, inputs and outputs. Knows nothing of Kubernetes kinds.
 */
import type { ParallelLayout } from "../parallel/layout.ts";
import type { ArtifactIdentity, CheckpointLayout } from "./artifacts.ts";

/** The volumes of an environment, by role. */
export type VolumeRole = "weights" | "dataset" | "checkpoints";

/** Kinds of artifacts that stages make or need. */
export type ArtifactKind =
  | "download"
  | "vae-source"
  | "dit-source"
  | "text-encoder"
  | "dataset-source"
  | "vae-weights"
  | "dit-weights"
  | "prepared-dataset"
  | "features"
  | "checkpoint"
  | "merged-weights"
  | "videos"
  | "evaluation";

/** What a stage makes or needs. Two artifacts with equal keys are the same thing, made once. */
export interface Artifact {
  readonly kind: ArtifactKind;
  /** In words, for messages and tables. */
  readonly title: string;
  readonly volume: VolumeRole;
  /** Absolute path in the pod. */
  readonly path: string;
  /** Content key: a hash of everything that decides the content. Absent for what the user brings. */
  readonly identity?: ArtifactIdentity;
  /** Glob patterns below `path` that must exist; none when `path` is itself a file. */
  readonly requiredFiles: readonly string[];
  readonly checkpoint?: CheckpointLayout;
  /**
   * The program writes straight into the folder, because several nodes write to it or because a file rather than an argument names
   * it. Otherwise it writes to a folder beside it that is renamed at the end. Either way the manifest is written last.
   */
  readonly isWrittenInPlace?: boolean;
  /** What to do when it is missing. */
  readonly remedy: string;
}

/** How the program of a stage is started. */
export type StageLaunch = { readonly kind: "process" } | { readonly kind: "torchrun"; readonly masterPort: number };

/** What proves that the stage has done its work. */
export type StageSuccess =
  | { readonly kind: "outputs" }
  | {
      readonly kind: "checkpoint";
      readonly checkpoint: Artifact;
      readonly iteration: number;
      readonly retention?: CheckpointRetention;
    };

/** Which checkpoints a training keeps. The one that the tracker names, and any being written, are never removed. */
export interface CheckpointRetention {
  /** Newest checkpoints that are kept, at least 1. */
  readonly keepLast: number;
  /** Checkpoints of iterations that this divides are kept for good; none when absent. */
  readonly keepEvery?: number;
}

/** What a conversion of weights holds in memory; the pod checks it, because the plan does not know how large the user's weights are. */
export interface ConversionNeeds {
  /** File or folder of weights that the converter reads whole. */
  readonly sourcePath: string;
  /** Glob patterns of the weights below `sourcePath` (`**` allowed); empty when it is a file, or a checkpoint of a training. */
  readonly sourceFiles: readonly string[];
  /** How many times the weights lie in memory at once. Tensor parallel size + 1 for a Megatron converter (upstream copies per rank). */
  readonly copies: number;
  /** Path of the setting that gives the pod more memory, for the message, e.g. `conversion.memoryGiB`. */
  readonly memorySetting: string;
  /** The source is a training's save folder: only ranks cut by tensor parallel alone can be joined, and only the newest iteration is read. */
  readonly isCheckpointSource?: boolean;
}

/** Which of the environment's images a stage runs in: evaluation has dependencies that the training image cannot hold. */
export type ImageRole = "training" | "evaluation";

/** What a pod of the stage asks of its node. */
export interface StageResources {
  readonly processorCores: number;
  readonly memoryGiB: number;
  /** Size of `/dev/shm`; counts against `memoryGiB`. 0 leaves the engine's small default. */
  readonly sharedMemoryGiB: number;
}

/** One stage of one run. */
export interface StagePlan {
  readonly run: string;
  readonly stage: string;
  readonly recipe: string;
  readonly kind: "cpu" | "npu";
  readonly nodes: number;
  readonly npusPerNode: number;
  readonly launch: StageLaunch;
  /** The program and its arguments, without a launcher in front. */
  readonly program: readonly string[];
  /** How the ranks of an NPU stage share the work; absent where no ranks are. */
  readonly layout?: ParallelLayout;
  readonly image: ImageRole;
  /** Repairs of upstream's code that the image must carry, by their name in `images/runtime/ascend_runtime/patches.py`. */
  readonly patches: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Content of the files that the program reads, by absolute path in the pod. */
  readonly files: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** CANN environment scripts of which the first that exists is sourced. */
  readonly environmentScripts: readonly string[];
  readonly inputs: readonly Artifact[];
  readonly outputs: readonly Artifact[];
  readonly volumes: readonly VolumeRole[];
  readonly success: StageSuccess;
  /** Present for a stage that converts weights. */
  readonly conversion?: ConversionNeeds;
  readonly resources: StageResources;
  /** Whether `up` waits for the end of the stage, and for how long at most; long NPU stages are not awaited. */
  readonly wait: { readonly kind: "until-complete"; readonly timeoutMinutes: number } | { readonly kind: "none" };
  /** How often a failed pod is started again. */
  readonly restarts: number;
}
