/** Stages of all runs of an environment: made once each, named, and put in order by what they need of each other. */
import type { Diagnostic } from "../config/diagnostics.ts";
import type { Environment } from "../config/schema.ts";
import { nodeShapeOf } from "../hardware/node-shapes.ts";
import type { ParallelLayout } from "../parallel/layout.ts";
import { recipeOf } from "../recipes/catalogue.ts";
import type { StagePlan } from "../stages/stage-plan.ts";
import { variableProblems } from "../variables/rules.ts";

/** A stage with its name in the cluster and the stages that must be complete before it starts. */
export interface PlannedStage {
  /** Unique in the environment; also the name of its Job. Artifact stages are named by content, the others by their run. */
  readonly name: string;
  readonly plan: StagePlan;
  /** Runs that use the stage: several when they need the same artifact. */
  readonly runs: readonly string[];
  /** Names of the stages that make this stage's inputs. */
  readonly after: readonly string[];
}

/** One run as planned. */
export interface PlannedRun {
  readonly name: string;
  readonly recipe: string;
  /** Layout of the training; of the last NPU stage when the run does not train. */
  readonly layout: ParallelLayout;
  /** Stages of this run in order, as the recipe planned them. */
  readonly stages: readonly StagePlan[];
}

/** Everything that an environment runs. */
export interface EnvironmentPlan {
  readonly environment: Environment;
  readonly runs: readonly PlannedRun[];
  /** Each stage once, in an order in which each comes after what it needs. */
  readonly stages: readonly PlannedStage[];
  readonly diagnostics: readonly Diagnostic[];
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * The name of a stage: by content when `up` waits for it, so that runs share it; by its run when it is a training; by both when it is
 * a long stage that makes an artifact, so that changed settings give a new Job beside the old result.
 */
export function stageName(plan: StagePlan): string {
  const [output] = plan.outputs;
  const stage = kebab(plan.stage);
  if (plan.success.kind === "checkpoint" || output?.identity === undefined) return `${plan.run}-${stage}`;
  const name = `${stage}-${output.identity.key}`;
  return plan.wait.kind === "until-complete" ? name : `${plan.run}-${name}`;
}

/** Merges stages of equal name; the first run that needs one gives it its settings. */
function mergeStages(plans: readonly StagePlan[]): readonly PlannedStage[] {
  const makers = new Map<string, string>();
  for (const plan of plans) {
    for (const output of plan.outputs)
      if (output.identity !== undefined) makers.set(output.identity.key, stageName(plan));
  }
  const merged = new Map<string, PlannedStage>();
  for (const plan of plans) {
    const name = stageName(plan);
    const known = merged.get(name);
    const after = plan.inputs.flatMap((input) =>
      input.identity === undefined ? [] : (makers.get(input.identity.key) ?? []),
    );
    merged.set(
      name,
      known === undefined ? { name, plan, runs: [plan.run], after } : { ...known, runs: [...known.runs, plan.run] },
    );
  }
  return [...merged.values()];
}

/** Whether pods share the addresses of their nodes; environments without the choice have addresses of their own. */
const networkModeOf = ({ cluster: { network } }: Environment): "pod" | "hostNetwork" =>
  "mode" in network && network.mode === "hostNetwork" ? "hostNetwork" : "pod";

/** Findings about a run's environment variables, whatever its recipe. */
function environmentProblems(
  environment: Environment,
  runName: string,
  stages: readonly StagePlan[],
): readonly Diagnostic[] {
  const run = environment.runs[runName];
  if (run === undefined) return [];
  const defaults = stages.find(({ kind }) => kind === "npu")?.environment;
  return variableProblems(run.environmentVariables, {
    ...(defaults === undefined ? {} : { defaults }),
    nodes: run.nodes,
    networkMode: networkModeOf(environment),
    accepted: run.acceptedVariables,
  }).map((found) => ({ ...found, path: ["runs", runName, ...found.path] }));
}

const mainLayout = (stages: readonly StagePlan[]): ParallelLayout | undefined =>
  (stages.find(({ success }) => success.kind === "checkpoint") ?? stages.findLast(({ layout }) => layout !== undefined))
    ?.layout;

/**
 * Plans every run of an environment. Pure: no file, cluster or clock is read.
 *
 * When `diagnostics` holds an error, the stages of that run are missing from the plan and nothing may be created from it.
 */
export function planEnvironment(environment: Environment): EnvironmentPlan {
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  const planned = Object.entries(environment.runs).map(([runName, run]) => {
    const npusPerNode = run.npusPerNode ?? shape.npusPerNode;
    const result = recipeOf(run.recipe).plan({ environment, runName, run, shape, npusPerNode });
    const diagnostics = [...result.diagnostics, ...environmentProblems(environment, runName, result.stages)];
    return { name: runName, recipe: run.recipe, ...result, diagnostics };
  });
  return {
    environment,
    runs: planned.map(({ name, recipe, layout, stages }) => ({
      name,
      recipe,
      layout: mainLayout(stages) ?? layout,
      stages,
    })),
    stages: mergeStages(planned.flatMap(({ stages }) => stages)),
    diagnostics: planned.flatMap(({ diagnostics }) => diagnostics),
  };
}
