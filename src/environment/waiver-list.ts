/** The rules that an environment breaks on purpose, and how its objects say so. */
import type { Environment } from "../config/schema.ts";
import type { SecurityRuleName } from "../config/security-rules.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { type ObjectRuleName, ruleFindings } from "../kubernetes/rules.ts";

/** Start of the annotations that name a waived rule; the value is the reason. The policy pack reads them. */
export const waiverAnnotation = "ascend-stacks/waiver.";

/** A rule with the reason for which it is waived. */
export interface Waiver {
  readonly rule: SecurityRuleName;
  readonly reason: string;
}

/** The waivers of a stack file, with the reason that the host network carries beside its own setting. */
export function waiversOf({ waivers, cluster: { network } }: Environment): readonly Waiver[] {
  const isOnHost = network.mode === "hostNetwork" && network.reason !== undefined;
  const isNamed = waivers.some(({ rule }) => rule === "no-host-namespaces");
  if (!isOnHost || isNamed) return waivers;
  return [...waivers, { rule: "no-host-namespaces", reason: network.reason ?? "" }];
}

/** Annotations that name waivers with their reasons. */
export const waiverAnnotations = (waivers: readonly Waiver[]): Readonly<Record<string, string>> =>
  Object.fromEntries(waivers.map(({ rule, reason }) => [`${waiverAnnotation}${rule}`, reason]));

/** The object with the reasons for which it may break rules, so that whoever looks at it alone finds them. */
export function withWaivers(environment: Environment, object: PlannedObject): PlannedObject {
  const waivers = waiversOf(environment);
  if (waivers.length === 0) return object;
  const broken: readonly ObjectRuleName[] = ruleFindings(object).map(({ rule }) => rule);
  const own = waiverAnnotations(waivers.filter(({ rule }) => broken.some((name) => name === rule)));
  const { metadata } = object.manifest;
  const annotations = { ...metadata.annotations, ...own };
  return { ...object, manifest: { ...object.manifest, metadata: { ...metadata, annotations } } };
}
