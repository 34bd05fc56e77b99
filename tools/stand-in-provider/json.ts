/** Plain JSON values, and looking into them without trusting their shape. */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Kubernetes objects and Pulumi property bags are handled in this form. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a value is an object, and neither null nor a list. */
export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value is a list. `Array.isArray` alone does not narrow readonly lists. */
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** The value at a path of keys, or undefined where a step leads nowhere. */
export function valueAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current = value;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** The text at a path; undefined when there is none, also when something else lies there. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = valueAt(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** The number at a path; undefined when there is none. */
export function numberAt(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = valueAt(value, ...path);
  return typeof found === "number" ? found : undefined;
}

/** The list at a path; empty when there is none. */
export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = valueAt(value, ...path);
  return isList(found) ? found : [];
}

/** The object at a path; empty when there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(value, ...path);
  return isObject(found) ? found : {};
}

/** A copy with the value set at a path; missing objects on the way are made. */
export function withValue(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  return { ...object, [key]: rest.length === 0 ? value : withValue(objectAt(object, key), rest, value) };
}

/** A copy without the value at a path; objects that become empty stay. */
export function withoutValue(object: JsonObject, path: readonly string[]): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(object, key)) return object;
  if (rest.length === 0) {
    const { [key]: _, ...others } = object;
    return others;
  }
  const inner = object[key];
  return isObject(inner) ? { ...object, [key]: withoutValue(inner, rest) } : object;
}

/** Whether two values are the same, whatever the order of keys. */
export function isEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, index) => isEqual(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key], right[key]))
  );
}

/** A copy with every value mapped, from the leaves up; keys whose value becomes undefined are dropped. */
export function mapObject(object: JsonObject, change: (value: Json, key: string) => Json | undefined): JsonObject {
  const entries = Object.entries(object).flatMap(([key, value]) => {
    const changed = change(value, key);
    return changed === undefined ? [] : [[key, changed] as const];
  });
  return Object.fromEntries(entries);
}
