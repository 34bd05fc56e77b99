/** A stack of the project with changes, planned as the engine would plan it: through the whole surface. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ConfigurationError, type LocatedDiagnostic } from "../src/config/diagnostics.ts";
import type { KubernetesObject, PlannedObject } from "../src/kubernetes/planned-object.ts";
import { type PlannedStack, planStackFromEngine } from "../src/stack.ts";

const projectFolder = join(import.meta.dirname, "..");

/** The environment part of a stack file as plain data, to be changed by tests. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into the file at will; the schema under test checks what they write
export type EnvironmentData = any;

/** Plans a changed copy of a stack. */
export function changedPlan(stack: string, change: (environment: EnvironmentData) => void): PlannedStack {
  const file: EnvironmentData = parse(readFileSync(join(projectFolder, "stacks", `Pulumi.${stack}.yaml`), "utf8"));
  const environment = file.config["ascend-stacks:environment"];
  change(environment);
  return planStackFromEngine(projectFolder, stack, environment);
}

/** What is found in a changed copy of a stack, whether it can be planned or not. */
export function foundIn(stack: string, change: (environment: EnvironmentData) => void): readonly LocatedDiagnostic[] {
  try {
    return changedPlan(stack, change).warnings;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.diagnostics;
    throw error;
  }
}

/** The manifest of a kind and name; fails when there is none. */
export function manifestOf(
  objects: readonly PlannedObject[],
  kind: string,
  name: string,
): KubernetesObject & EnvironmentData {
  const found = objects.find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found.manifest;
}
