/** What a recipe is: a model's stages as data, and the rules that only the model knows. */
import type { Diagnostic } from "../config/diagnostics.ts";
import type { Environment, RunSettings } from "../config/schema.ts";
import type { NodeShape } from "../hardware/node-shapes.ts";
import type { ParallelLayout } from "../parallel/layout.ts";
import type { StagePlan } from "../stages/stage-plan.ts";

/** Everything a recipe may look at when it plans one run. */
export interface RunContext {
  readonly environment: Environment;
  readonly runName: string;
  readonly run: RunSettings;
  readonly shape: NodeShape;
  readonly npusPerNode: number;
}

/** A planned run: its layout, its stages in order, and what is wrong or doubtful about it. */
export interface RunPlan {
  readonly layout: ParallelLayout;
  readonly stages: readonly StagePlan[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A model that can be trained. */
export interface Recipe {
  /** Name in stack files, e.g. `opensoraplan1.3/t2v`. */
  readonly name: string;
  readonly plan: (context: RunContext) => RunPlan;
}
