/** Every rule on the environment variables of a run. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { combinationRules } from "./combination-rules.ts";
import type { VariableContext, VariableRule, Variables } from "./context.ts";
import {
  acceptedAreGiven,
  doubtfulVariables,
  secretsByReference,
  spellingKnown,
  valueInRange,
} from "./single-rules.ts";

/** The rules in the order in which their findings are reported. */
export const variableRules: readonly VariableRule[] = [
  spellingKnown,
  valueInRange,
  secretsByReference,
  doubtfulVariables,
  acceptedAreGiven,
  ...combinationRules,
];

/**
 * What is wrong or doubtful about the environment variables of a run. Pure; paths are relative to the run.
 *
 * @param variables the run's own variables, as the stack file gives them
 */
export const variableProblems = (variables: Variables, context: VariableContext): readonly Diagnostic[] =>
  variableRules.flatMap(({ check }) => check(variables, context));
