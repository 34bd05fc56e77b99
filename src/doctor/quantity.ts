/** Quantities of Kubernetes as numbers: `600Gi`, `500m`, `8`, `1e3`. */
import { quantityFactors } from "../kubernetes/quantity-factors.ts";

/** The number; 0 for what is no quantity, because the API server has already refused such a text. */
export function quantityNumber(quantity: unknown): number {
  const [, digits = "", suffix = ""] =
    /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(String(quantity ?? "0")) ?? [];
  const value = Number(digits) * (quantityFactors[suffix] ?? Number.NaN);
  return Number.isFinite(value) ? value : 0;
}

/** Amounts by resource name. */
export type Amounts = Readonly<Record<string, number>>;

/** A map of quantities as numbers. */
export const amountsOf = (quantities: Readonly<Record<string, unknown>>): Amounts =>
  Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, quantityNumber(quantity)]));

/** Combines two maps resource by resource; what is missing counts as 0. */
export const combine = (left: Amounts, right: Amounts, join: (a: number, b: number) => number): Amounts =>
  Object.fromEntries(
    [...new Set([...Object.keys(left), ...Object.keys(right)])].map((name) => [
      name,
      join(left[name] ?? 0, right[name] ?? 0),
    ]),
  );

/** The sum of two maps. */
export const plus = (left: Amounts, right: Amounts): Amounts => combine(left, right, (a, b) => a + b);

/** A map times a number. */
export const times = (amounts: Amounts, factor: number): Amounts =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * factor]));

/** An amount for people: memory and storage in GiB, other things as they are. */
export const amountText = (name: string, amount: number): string =>
  /memory|storage/.test(name)
    ? `${Math.round((amount / 2 ** 30) * 10) / 10} GiB`
    : String(Math.round(amount * 1000) / 1000);
