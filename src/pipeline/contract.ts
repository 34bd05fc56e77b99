/**
 * The contract between a plan and the pod that carries it out: one JSON file that the in-pod runtime (`images/runtime`) reads.
 *
 * The runtime knows processes, files and Megatron's checkpoint folders; it knows neither models nor schedulers. What a model needs
 * arrives here as plain checks, what a scheduler injects arrives as names of environment variables.
 */

import type { ArtifactIdentity, CheckpointLayout } from "../stages/artifacts.ts";
import type { CheckpointRetention, ConversionNeeds } from "../stages/stage-plan.ts";

/** Version of the file's form; the runtime refuses any other. */
export const contractSchemaVersion = 2;

/** Name of the file that marks an artifact folder as complete; written last. */
export const artifactManifestName = "ascend-artifact.json";

/** Where a value comes from: fixed at plan time, or read in the pod from a variable that the scheduler sets. */
export type ValueSource = { readonly value: string } | { readonly variable: string };

/** How the ranks of a distributed stage find each other. */
export interface Rendezvous {
  /** Rank of this node among the nodes of the stage, counted from 0. */
  readonly nodeRank: ValueSource;
  /** Address of the node with rank 0. */
  readonly masterAddress: ValueSource;
  /** TCP port of the rendezvous on that node. */
  readonly masterPort: ValueSource;
}

/** How the program is started. `argv` of the pod is the program with its own arguments, without the launcher in front. */
export type ContractLaunch =
  | { readonly kind: "process" }
  | {
      readonly kind: "torchrun";
      readonly nodes: number;
      readonly npusPerNode: number;
      readonly rendezvous: Rendezvous;
    };

/** Something that a stage reads: made by an earlier stage (`identity` present) or brought by the user (`identity` absent). */
export interface ContractInput {
  /** What it is, in words for messages, e.g. `DiT weights converted for tensor parallel 2`. */
  readonly title: string;
  /** Absolute path in the pod: a folder, or a file when `requiredFiles` is empty. */
  readonly path: string;
  readonly identity?: ArtifactIdentity;
  /** Glob patterns relative to `path` (`**` allowed); each must match at least one non-empty file. */
  readonly requiredFiles: readonly string[];
  readonly checkpoint?: CheckpointLayout;
  /** What the user does when it is missing, e.g. `put the Hugging Face folder of mT5-xxl there, or set sources.textEncoder`. */
  readonly remedy: string;
}

/** Something that a stage makes. */
export interface ContractOutput {
  readonly title: string;
  /** Absolute path of the artifact folder in the pod. */
  readonly path: string;
  readonly identity: ArtifactIdentity;
  /** Paths whose content the artifact was made from; their fingerprint is recorded in the manifest. */
  readonly sources: readonly string[];
  /** Glob patterns relative to `path` that must exist when the program has ended. */
  readonly requiredFiles: readonly string[];
  readonly checkpoint?: CheckpointLayout;
  /** The program writes straight into `path`; the node with rank 0 writes the manifest at the end. */
  readonly isWrittenInPlace?: boolean;
}

/** What proves that the stage has done its work: exit code 0 proves nothing upstream. */
export type ContractSuccess =
  /** Every output folder is complete. The runtime lets the program write to a temporary folder and renames it. */
  | { readonly kind: "outputs" }
  /** The checkpoint folder's tracker names at least this iteration and every rank file of it exists. */
  | ({
      readonly kind: "checkpoint";
      readonly folder: string;
      readonly iteration: number;
      readonly identity: ArtifactIdentity;
      readonly retention?: CheckpointRetention;
    } & CheckpointLayout);

/** The whole file. */
export interface StageContract {
  readonly schemaVersion: typeof contractSchemaVersion;
  readonly environment: string;
  readonly run: string;
  readonly stage: string;
  readonly recipe: string;
  /** Image reference with digest, recorded in the manifests of outputs. */
  readonly image: string;
  readonly launch: ContractLaunch;
  readonly workingDirectory: string;
  /** CANN environment scripts: the first that exists is sourced before the program starts; none for a stage without CANN. */
  readonly environmentScripts: readonly string[];
  /** Names of repairs of upstream's code that the image must carry (`ascend_runtime/patches.py`). */
  readonly patches: readonly string[];
  readonly inputs: readonly ContractInput[];
  readonly outputs: readonly ContractOutput[];
  readonly success: ContractSuccess;
  /** Present when the pod serves the training's progress for Prometheus while the program runs. */
  readonly metrics?: {
    /** TCP port on every address of the pod. */
    readonly port: number;
  };
  /** Present for a conversion of weights: its memory need, and what its source must be. */
  readonly conversion?: ConversionNeeds;
}
