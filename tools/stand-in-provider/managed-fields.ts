/**
 * Ownership of fields under server-side apply. An object made by a plain POST belongs to the manager's *Update* entry, which
 * Kubernetes treats as somebody else when the same manager *applies*: without moving the entry, the first update would conflict
 * with our own create.
 */
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  textAt,
  valueAt,
  withoutValue,
  withValue,
} from "./json.ts";

/** Managers whose ownership an apply takes over, as the official provider does: its own creates, and kubectl's edits. */
const inherited: readonly { readonly prefix: string; readonly operation: string }[] = [
  { prefix: "kubectl", operation: "Apply" },
  { prefix: "kubectl", operation: "Update" },
  { prefix: "before-first-apply", operation: "Update" },
  { prefix: "pulumi-kubernetes", operation: "Update" },
  { prefix: "pulumi-resource-kubernetes", operation: "Update" },
];

const isInherited = (entry: Json): boolean =>
  textAt(entry, "subresource") === undefined &&
  inherited.some(
    ({ prefix, operation }) =>
      textAt(entry, "operation") === operation && textAt(entry, "manager")?.startsWith(prefix) === true,
  );

const isOwn = (entry: Json, manager: string): boolean =>
  textAt(entry, "subresource") === undefined &&
  textAt(entry, "operation") === "Apply" &&
  textAt(entry, "manager") === manager;

/** The union of two field sets. */
function union(left: Json, right: Json): Json {
  if (!isObject(left) || !isObject(right)) return left;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      key in left && key in right ? union(left[key] ?? {}, right[key] ?? {}) : (left[key] ?? right[key] ?? {}),
    ]),
  );
}

/** Whether an object has fields that belong to this manager's creates, so that an apply would conflict with itself. */
export const isCreatedBy = (object: JsonObject, manager: string): boolean =>
  listAt(object, "metadata", "managedFields").some(
    (entry) => textAt(entry, "operation") === "Update" && textAt(entry, "manager") === manager,
  );

/** The managed fields with every inherited entry moved into the manager's apply entry; undefined when there is nothing to move. */
export function adoptFields(object: JsonObject, manager: string): readonly Json[] | undefined {
  const entries = listAt(object, "metadata", "managedFields");
  const taken = entries.filter((entry) => isInherited(entry) && !isOwn(entry, manager));
  const [first] = taken;
  if (!isObject(first)) return undefined;
  const own = entries.find((entry) => isOwn(entry, manager));
  const fields: Json = [...taken, ...(own === undefined ? [] : [own])]
    .map((entry) => valueAt(entry, "fieldsV1") ?? {})
    .reduce<Json>(union, {});
  const merged: JsonObject = { ...(isObject(own) ? own : first), manager, operation: "Apply", fieldsV1: fields };
  return [...entries.filter((entry) => !taken.includes(entry) && entry !== own), merged];
}

/** A property path as Pulumi writes it, as plain keys; undefined when it goes through a list. */
export function keysOfPath(path: string): readonly string[] | undefined {
  const parts = [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[([^\]]*)\]|([^.[\]]+)/g)];
  if (parts.some(([, , index]) => index !== undefined)) return undefined;
  return parts.map(([, quoted, , key]) => quoted?.replaceAll('\\"', '"') ?? key ?? "");
}

const owns = (entry: Json, keys: readonly string[]): boolean =>
  valueAt(entry, "fieldsV1", ...keys.map((key) => `f:${key}`)) !== undefined;

/**
 * Honours `ignoreChanges` in the body of an apply. A field that somebody else owns is left out, so that we neither fight for it nor
 * become its owner; any other keeps the value it has.
 */
export function withoutIgnored(
  body: JsonObject,
  live: JsonObject,
  ignored: readonly string[],
  manager: string,
): JsonObject {
  const entries = listAt(live, "metadata", "managedFields");
  return ignored.reduce((object, path) => {
    const keys = keysOfPath(path);
    if (keys === undefined || keys.length === 0 || valueAt(object, ...keys) === undefined) return object;
    const owners = entries.filter((entry) => owns(entry, keys)).map((entry) => textAt(entry, "manager"));
    if (owners.length > 0 && !owners.includes(manager)) return withoutValue(object, keys);
    const value = valueAt(live, ...keys);
    return value === undefined ? object : withValue(object, keys, isList(value) ? [...value] : value);
  }, body);
}
