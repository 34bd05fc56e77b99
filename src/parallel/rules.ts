/**
 * Whether a layout may run: all rules of this room, and the verdict.
 *
 * Each rule is pure and named after what it demands; all of them are listed here, so that tests and documentation can walk through
 * them. Sources name the file of MindSpeed-MM v26.0.0 (MM), MindSpeed 5176c6f5 (MS) or Megatron-LM core_v0.12.1 (MC) that would
 * stop, or silently spoil, such a run.
 */
import { batchRules } from "./batch-rules.ts";
import { pairRules } from "./compatibility.ts";
import { contextRules } from "./context-rules.ts";
import { dynamicRules } from "./dynamic-rules.ts";
import { encoderRules } from "./encoder-rules.ts";
import type { LayoutFinding, LayoutProblem, LayoutQuestion, LayoutRule } from "./facts.ts";
import { pipelineRules } from "./pipeline-rules.ts";
import { strategySupported } from "./strategies.ts";
import { contextOf, type Suggestion, suggestionsFor } from "./suggestions.ts";
import { tensorRules } from "./tensor-rules.ts";

/** Every rule of this room, in the order in which problems are reported. */
export const layoutRules: readonly LayoutRule[] = [
  strategySupported,
  ...tensorRules,
  ...contextRules,
  ...dynamicRules,
  ...pipelineRules,
  ...encoderRules,
  ...pairRules,
  ...batchRules,
];

/** At most three sets of changes that make a refused layout acceptable, those that change least first. */
export const nearestLayouts = (question: LayoutQuestion): readonly Suggestion[] =>
  suggestionsFor(question, layoutRules);

/** Every finding about a layout, notes included. An error comes with the nearest settings that no rule refuses. */
export function layoutFindings(question: LayoutQuestion): readonly LayoutFinding[] {
  const context = contextOf(question);
  const broken = layoutRules.filter((rule) => rule.isBroken(context));
  const isMendable = broken.some(({ severity, mendedBy }) => severity === "error" && mendedBy.length > 0);
  const nearest = isMendable ? nearestLayouts(question).map(({ text }) => text) : [];
  return broken.map(({ name, severity, mendedBy, finding }) => ({
    severity,
    rule: name,
    nearest: severity === "error" && mendedBy.length > 0 ? nearest : [],
    ...finding(context),
  }));
}

const isProblem = (finding: LayoutFinding): finding is LayoutProblem => finding.severity !== "note";

/** All errors and warnings about a layout; it may run when no error is among them. */
export const layoutProblems = (question: LayoutQuestion): readonly LayoutProblem[] =>
  layoutFindings(question).filter(isProblem);

/**
 * Latent frames of the clip lengths that the trainer's frame filter can produce: lengths y with minimum ≤ y ≤ maximum and
 * (y − 1) divisible by the temporal stride give (y − 1) / stride + 1 latent frames.
 */
export function latentFrameChoices(
  minimumFrames: number,
  maximumFrames: number,
  temporalStride: number,
): readonly number[] {
  return Array.from({ length: maximumFrames }, (_, index) => index + 1)
    .filter((frames) => frames >= minimumFrames && (frames - 1) % temporalStride === 0)
    .map((frames) => (frames - 1) / temporalStride + 1);
}
