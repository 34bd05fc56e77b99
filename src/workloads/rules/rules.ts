/** Everything that is wrong or doubtful about how a plan's stages are placed. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { PlannedObject } from "../../kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "../../pipeline/pipeline.ts";
import {
  hostInterfaceProblems,
  hostNetworkForceProblems,
  hostNetworkNotice,
  hostNetworkWholeNodeProblems,
  ownedKeyProblems,
  presetProblems,
  resourceNameProblems,
} from "./cluster-rules.ts";
import {
  gracePeriodProblems,
  multimodalRecoveryProblems,
  podReschedulingProblems,
  recoveryKindProblems,
  retryProductProblems,
  superPodAffinityProblems,
} from "./fault-rules.ts";
import { objectRules } from "./object-rules.ts";
import {
  gangProblems,
  gangSizeProblems,
  schedulePolicyProblems,
  superPodProblems,
  workloadNameProblems,
} from "./placement-rules.ts";
import { metricsPortProblems } from "./port-rules.ts";

/** Findings that need the settings and the stages only. */
export const settingsProblems = ({ environment, stages }: EnvironmentPlan): readonly Diagnostic[] => [
  ...schedulePolicyProblems(environment),
  ...superPodProblems(environment, stages),
  ...superPodAffinityProblems(environment),
  ...gangProblems(environment, stages),
  ...gangSizeProblems(environment, stages),
  ...workloadNameProblems(environment, stages),
  ...multimodalRecoveryProblems(environment),
  ...recoveryKindProblems(environment),
  ...retryProductProblems(environment, stages),
  ...gracePeriodProblems(environment),
  ...podReschedulingProblems(environment),
  ...hostNetworkForceProblems(environment),
  ...hostInterfaceProblems(environment),
  ...hostNetworkNotice(environment),
  ...hostNetworkWholeNodeProblems(environment),
  ...metricsPortProblems(environment, stages),
  ...presetProblems(environment),
  ...resourceNameProblems(environment),
  ...ownedKeyProblems(environment),
];

/** Findings over the finished objects. */
export const objectProblems = (objects: readonly PlannedObject[]): readonly Diagnostic[] =>
  objects.flatMap(({ manifest }) => objectRules.flatMap((rule) => rule(manifest)));
