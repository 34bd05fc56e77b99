/** What a recipe is: a model's stages as data, and the rules that only the model knows. */

import type { z } from "zod";
import type { Diagnostic } from "../config/diagnostics.ts";
import type { RunSettings } from "../config/run-fields.ts";
import type { Environment } from "../config/schema.ts";
import type { NodeShape } from "../hardware/node-shapes.ts";
import type { ParallelLayout } from "../parallel/layout.ts";
import type { StagePlan } from "../stages/stage-plan.ts";

/** Everything a recipe may look at when it plans one run. */
export interface RunContext<Settings extends RunSettings = RunSettings> {
  readonly environment: Environment;
  readonly runName: string;
  readonly run: Settings;
  readonly shape: NodeShape;
  readonly npusPerNode: number;
}

/** A planned run: its layout, its stages in order, and what is wrong or doubtful about it. */
export interface RunPlan {
  readonly layout: ParallelLayout;
  readonly stages: readonly StagePlan[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Schema of a recipe's runs: a strict object whose `recipe` is the recipe's name. */
export type RunSchema<Settings extends RunSettings = RunSettings> = z.ZodObject & z.ZodType<Settings>;

/** A model and task that can be run. */
export interface Recipe<Settings extends RunSettings = RunSettings> {
  /** Name in stack files, e.g. `opensoraplan1.3/t2v`. */
  readonly name: string;
  /** What a stack file says of a run of this recipe. */
  readonly settings: RunSchema<Settings>;
  /** Plans one run. A method, so that recipes with settings of their own stand in one catalogue. */
  plan(context: RunContext<Settings>): RunPlan;
}
