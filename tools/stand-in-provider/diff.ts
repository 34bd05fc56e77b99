/** What changes between two sets of inputs, and whether the object has to be replaced for it. */

import { isAnnotated } from "./annotations.ts";
import { isEqual, isList, isObject, type Json, type JsonObject, textAt } from "./json.ts";
import { isUnknown } from "./property-values.ts";
import { isQuantityPath, isSameQuantity } from "./quantities.ts";
import { type Mutability, replacingPaths } from "./replacement-rules.ts";

/** Keys and list indexes from the top of an object. */
export type Path = readonly (string | number)[];

/** One changed value. */
export interface Change {
  readonly path: Path;
  readonly kind: "add" | "delete" | "update";
  readonly isReplacing: boolean;
}

/** All that the engine wants to know about a change of an object. */
export interface ObjectDiff {
  readonly changes: readonly Change[];
  /** Whether the old object has to go first, because the new one takes its name. */
  readonly isDeletedBeforeReplaced: boolean;
}

/** A path as Pulumi writes it, e.g. `spec.containers[0].env` or `metadata.labels["a/b"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    // The official provider quotes these four signs; the engine reads its paths by the same rule.
    if (/[."[\]]/.test(key)) return `${text}["${key.replaceAll('"', '\\"')}"]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** Whether a value holds something at the rest of a rule; `*` looks into every item of a list. */
function reaches(value: Json | undefined, rest: readonly string[]): boolean {
  const [key, ...others] = rest;
  if (key === undefined) return value !== undefined;
  if (key === "*") return isList(value) && value.some((item) => reaches(item, others));
  return isObject(value) && Object.hasOwn(value, key) && reaches(value[key], others);
}

/** Whether a change at a path touches what a rule names: at it, below it, or around it. */
function isTouched(rule: string, path: Path, ...values: readonly (Json | undefined)[]): boolean {
  const keys = rule.split(".");
  const shared = Math.min(keys.length, path.length);
  for (let index = 0; index < shared; index++) {
    const isMatch = keys[index] === "*" ? typeof path[index] === "number" : keys[index] === path[index];
    if (!isMatch) return false;
  }
  return path.length >= keys.length || values.some((value) => reaches(value, keys.slice(path.length)));
}

/** Walks two values side by side and reports the deepest differences. */
function* differences(
  before: Json | undefined,
  after: Json | undefined,
  path: Path,
): Generator<{ path: Path; before: Json | undefined; after: Json | undefined }> {
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* differences(before[key], after[key], [...path, key]);
    return;
  }
  if (isList(before) && isList(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++)
      yield* differences(before[index], after[index], [...path, index]);
    return;
  }
  if (isEqual(before, after) && !isUnknown(after)) return;
  if (isQuantityPath(path) && isSameQuantity(before, after)) return;
  yield { path, before, after };
}

/** The changes between two plain sets of inputs. */
export function changesBetween(before: JsonObject, after: JsonObject, rules: readonly string[]): readonly Change[] {
  return [...differences(before, after, [])].map(({ path, before: old, after: next }) => ({
    path,
    kind: old === undefined ? "add" : next === undefined ? "delete" : "update",
    isReplacing: rules.some((rule) => isTouched(rule, path, old, next)),
  }));
}

/**
 * Compares an object's inputs.
 *
 * @param before the old inputs
 * @param after the new ones, after Check
 * @param live the object as the state knows it
 */
export function diffObjects(
  before: JsonObject,
  after: JsonObject,
  live: JsonObject,
  mutability: Mutability,
): ObjectDiff {
  const changes = changesBetween(before, after, replacingPaths(after, mutability));
  const name = textAt(after, "metadata", "name");
  const isSamePlace =
    name === textAt(live, "metadata", "name") &&
    textAt(after, "metadata", "namespace") === textAt(live, "metadata", "namespace");
  return {
    changes,
    isDeletedBeforeReplaced:
      changes.some(({ isReplacing }) => isReplacing) &&
      name !== undefined &&
      !isAnnotated(after, "autonamed") &&
      isSamePlace,
  };
}
