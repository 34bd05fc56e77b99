/** From a stack file to its plan, for the command line and for the engine. */
import { ConfigurationError, type LocatedDiagnostic } from "./config/diagnostics.ts";
import { type LoadedStack, loadFromEngine, loadStack } from "./config/load.ts";
import { environmentProblems } from "./environment/problems.ts";
import type { PlannedObject } from "./kubernetes/planned-object.ts";
import { type EnvironmentPlan, planEnvironment } from "./pipeline/pipeline.ts";
import { plannedObjects } from "./planned-objects.ts";
import { environmentShape } from "./recipes/catalogue.ts";
import { objectProblems, settingsProblems } from "./workloads/rules/rules.ts";

/** A stack that may be created. */
export interface PlannedStack {
  readonly plan: EnvironmentPlan;
  readonly objects: readonly PlannedObject[];
  /** Warnings only: errors are thrown. */
  readonly warnings: readonly LocatedDiagnostic[];
}

const hasError = (found: readonly LocatedDiagnostic[]): boolean => found.some(({ severity }) => severity === "error");

function planLoaded(stack: string, loaded: LoadedStack): PlannedStack {
  const plan = planEnvironment(loaded.environment);
  const found = [...loaded.warnings, ...loaded.attach([...plan.diagnostics, ...settingsProblems(plan)])];
  if (hasError(found)) throw new ConfigurationError(stack, found);
  const objects = plannedObjects(stack, plan);
  const all = [...found, ...loaded.attach([...objectProblems(objects), ...environmentProblems(plan, objects)])];
  if (hasError(all)) throw new ConfigurationError(stack, all);
  return { plan, objects, warnings: all };
}

/**
 * Reads a stack from its file alone, without planning it.
 *
 * @throws ConfigurationError with every mistake found
 */
export const readStack = (projectFolder: string, stack: string): LoadedStack =>
  loadStack({ projectFolder, stack, shape: environmentShape });

/**
 * Plans a stack from its file alone: no engine, no cluster, no tool.
 *
 * @throws ConfigurationError with every mistake found
 */
export function planStack(projectFolder: string, stack: string): PlannedStack {
  return planLoaded(stack, readStack(projectFolder, stack));
}

/**
 * Plans a stack from what the engine hands over, with positions from its file.
 *
 * @param engineValue the decrypted value of `ascend-stacks:environment`
 * @throws ConfigurationError with every mistake found
 */
export function planStackFromEngine(projectFolder: string, stack: string, engineValue: unknown): PlannedStack {
  return planLoaded(stack, loadFromEngine({ projectFolder, stack, shape: environmentShape, engineValue }));
}
