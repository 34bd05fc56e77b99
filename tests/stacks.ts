/** Every stack of the project, planned: tests walk over all of them, so that a new environment brings its own tests. */
import { join } from "node:path";
import { fileNames } from "../src/config/yaml-source.ts";
import { type PlannedStack, planStack } from "../src/stack.ts";

/** Folder of the project. */
export const projectFolder = join(import.meta.dirname, "..");

/** Names of all stacks. */
export const stackNames = fileNames(join(projectFolder, "stacks"), /^Pulumi\.(.+)\.yaml$/);

/** All stacks with their plans. */
export const plannedStacks: readonly (readonly [string, PlannedStack])[] = stackNames.map((name) => [
  name,
  planStack(projectFolder, name),
]);
