/** Kubernetes quantities, which have many spellings: the server answers `1` to `1000m`. */
import { quantityFactors } from "../../src/kubernetes/quantity-factors.ts";
import type { Json } from "./json.ts";

/** The amount behind a quantity; undefined when the value is none. */
export function amountOf(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const found = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(value);
  const multiplier = quantityFactors[found?.[2] ?? ""];
  return found === null || multiplier === undefined ? undefined : Number(found[1]) * multiplier;
}

/** Keys below which values are quantities: container resources, quotas, limit ranges, volumes. */
const quantityParents = new Set([
  "limits",
  "requests",
  "capacity",
  "hard",
  "default",
  "defaultRequest",
  "max",
  "min",
  "overhead",
  "sizeLimit",
]);

/** Whether a path leads to a quantity. */
export const isQuantityPath = (path: readonly (string | number)[]): boolean =>
  path.slice(-2).some((key) => quantityParents.has(String(key)));

/** Whether two values are the same quantity. Rounding of binary fractions is allowed for. */
export function isSameQuantity(left: Json | undefined, right: Json | undefined): boolean {
  const [before, after] = [amountOf(left), amountOf(right)];
  if (before === undefined || after === undefined) return false;
  return Math.abs(before - after) <= Math.abs(before) * 1e-12;
}
