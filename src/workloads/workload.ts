/** A workload places a stage on a scheduler: it turns the stage into Kubernetes objects and reads how it fares. */
import type { Environment } from "../config/schema.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import type { Observation, WorkloadObject } from "./observation.ts";

/** A stage in its environment. */
export interface StagePlacement {
  readonly environmentName: string;
  readonly environment: Environment;
  readonly stage: PlannedStage;
  /** Names of the environment's own objects that every stage needs: namespace, claims, secrets. */
  readonly baseObjects: readonly string[];
}

/** One way to run stages. */
export interface Workload {
  /** The scheduler kind in stack files. */
  readonly kind: Environment["cluster"]["scheduler"]["kind"];
  /** Where the API server keeps the workload. */
  readonly resource: { readonly group: string; readonly version: string; readonly plural: string };
  /** Address under which the other nodes reach the node with rank 0. */
  readonly masterAddress: (stageName: string, nodes: number) => string;
  /** The stage's objects. Their number and size do not depend on the number of nodes. */
  readonly objects: (placement: StagePlacement) => readonly PlannedObject[];
  /** What the workload's status says of the stage. */
  readonly observe: (object: WorkloadObject) => Observation;
}
