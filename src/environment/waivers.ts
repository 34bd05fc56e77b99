/** Rules and the waivers of a stack file: what is broken without a waiver is refused, what is waived is said in every plan. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { type SecurityRuleName, securityRules } from "../config/security-rules.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { admits } from "../kubernetes/pod-security-level.ts";
import { ruleFindings } from "../kubernetes/rules.ts";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { namespaceLevel } from "./namespace.ts";
import { waiversOf } from "./waiver-list.ts";

/** A broken rule with its subject in words. */
interface Breach {
  readonly rule: SecurityRuleName;
  readonly text: string;
}

/** Settings that lead to a breach, for the position of the message. */
const settings: Partial<Readonly<Record<SecurityRuleName, readonly string[]>>> = {
  "isolated-network": ["networkPolicy", "enabled"],
  "namespace-level": ["security", "podSecurity", "level"],
  "no-host-namespaces": ["cluster", "network", "mode"],
  "no-host-paths": ["cluster", "driverMounts"],
  "no-secret-values": ["runs"],
  "read-only-root": ["security", "readOnlyRootFilesystem"],
};

/** Stages whose protection the user has lifted by name are not protected on purpose. */
function isLifted({ stages, environment }: EnvironmentPlan, { stage }: PlannedObject): boolean {
  const runs = stages.find(({ name }) => name === stage)?.runs ?? [];
  return runs.some((run) => environment.allowReplacing.includes(run));
}

function objectBreaches(plan: EnvironmentPlan, objects: readonly PlannedObject[]): readonly Breach[] {
  return objects.flatMap((object) =>
    ruleFindings(object)
      .filter(({ rule }) => rule !== "protected-training" || !isLifted(plan, object))
      .map(({ rule, subject, what }) => ({ rule, text: `${subject}: ${what}` })),
  );
}

function environmentBreaches({ environment }: EnvironmentPlan, objects: readonly PlannedObject[]): readonly Breach[] {
  const level = namespaceLevel(
    environment,
    objects.map(({ manifest }) => manifest),
  );
  const isLoose = level.enforced !== level.needed && admits(level.enforced, level.needed);
  return [
    ...(environment.networkPolicy.enabled
      ? []
      : [{ rule: "isolated-network" as const, text: `stage pods of ${environment.namespace} may talk to anyone` }]),
    ...(isLoose
      ? [
          {
            rule: "namespace-level" as const,
            text: `${level.enforced} is enforced where ${level.needed} admits every pod`,
          },
        ]
      : []),
  ];
}

const summary = (breaches: readonly Breach[]): string =>
  `${breaches[0]?.text ?? ""}${breaches.length > 1 ? `, and ${breaches.length - 1} more` : ""}`;

/** One finding a broken rule, whether it is refused or waived; one for each waiver that nothing needs. */
export function waiverProblems(plan: EnvironmentPlan, objects: readonly PlannedObject[]): readonly Diagnostic[] {
  const { waivers } = plan.environment;
  const breaches = [...objectBreaches(plan, objects), ...environmentBreaches(plan, objects)];
  const byRule = Map.groupBy(breaches, ({ rule }) => rule);
  const refused = [...byRule]
    .filter(([rule]) => !waiversOf(plan.environment).some((waiver) => waiver.rule === rule))
    .map(
      ([rule, own]): Diagnostic => ({
        severity: "error",
        rule,
        path: settings[rule] ?? ["waivers"],
        what: `the rule ${rule} is broken (${securityRules[rule]}): ${summary(own)}`,
        remedy: `mend it, or give the reason: waivers: [{ rule: ${rule}, reason: … }]`,
      }),
    );
  const waived = waivers.map(({ rule, reason }, index): Diagnostic => {
    const own = byRule.get(rule);
    const common = { severity: "warning", rule, path: ["waivers", index] } as const;
    return own === undefined
      ? { ...common, what: `nothing breaks the rule ${rule}; the waiver is not needed`, remedy: "remove it" }
      : { ...common, what: `the rule ${rule} is waived: ${reason}. Broken by ${summary(own)}` };
  });
  return [...refused, ...waived];
}
