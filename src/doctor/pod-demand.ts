/** What a pod asks of its node, planned or running alike. */
import { type Data, dataAt, listAt } from "../workloads/rules/pod-templates.ts";
import { type Amounts, amountsOf, combine, plus } from "./quantity.ts";

/** A field as text; empty when it is absent or something else. */
export function textAt(data: Data, ...keys: readonly string[]): string {
  const holder = keys.length > 1 ? dataAt(data, ...keys.slice(0, -1)) : data;
  const value = holder[keys.at(-1) ?? ""];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** A map of texts. */
export const textsAt = (data: Data, ...keys: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(dataAt(data, ...keys)).map(([key, value]) => [key, String(value)]));

/** Requests of a container; a resource that is only limited is requested as much. */
const requestsOf = (container: Data): Amounts =>
  amountsOf({ ...dataAt(container, "resources", "limits"), ...dataAt(container, "resources", "requests") });

/**
 * Requests of a whole pod as the scheduler counts them: the sum of its containers, or the largest of those that run before them,
 * whichever is more, and the overhead of its runtime.
 */
export function podRequests(spec: Data): Amounts {
  const running = listAt(spec, "containers").map(requestsOf).reduce(plus, {});
  const before = listAt(spec, "initContainers")
    .map(requestsOf)
    .reduce<Amounts>((most, next) => combine(most, next, Math.max), {});
  return plus(combine(running, before, Math.max), amountsOf(dataAt(spec, "overhead")));
}
