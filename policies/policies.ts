/** The rules as policies of Pulumi. */
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { securityRules } from "../src/config/security-rules.ts";
import { objectRuleNames } from "../src/kubernetes/rules.ts";
import { namespaceRuleNames, namespaceViolations, objectViolations } from "./violations.ts";

/**
 * Rules about single objects look at what the program gives, so they speak before anything is created. A training may be left
 * unprotected on purpose (`allowReplacing`), so that rule only advises; a broken one of the others stops the update.
 */
export const objectPolicies: readonly ResourceValidationPolicy[] = objectRuleNames.map((rule) => ({
  name: rule,
  description: securityRules[rule],
  enforcementLevel: rule === "protected-training" ? "advisory" : "mandatory",
  validateResource: (resource, report) => {
    for (const message of objectViolations(rule, resource)) report(message);
  },
}));

/** Rules about namespaces need everything that lives in them. */
export const namespacePolicies: readonly StackValidationPolicy[] = namespaceRuleNames.map((rule) => ({
  name: rule,
  description: securityRules[rule],
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    for (const { message, urn } of namespaceViolations(rule, resources)) report(message, urn);
  },
}));
