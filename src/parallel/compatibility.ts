/**
 * Which strategies go together: one row a pair, and the rules that follow from the rows.
 *
 * Where a row names a rule of another file, that rule enforces it; rows `no` and `unverified` without one get a rule made here.
 */
import type { LayoutRule, Setting, Strategy } from "./facts.ts";
import { strategyFacts } from "./strategies.ts";

/**
 * How two strategies go together: `ok`; `arithmetic`, when their sizes fit; `needs`, when the first works only with the second;
 * `excludes`, when they are two values of one setting; `no`; `unverified`; or `broken` in this release.
 */
export type Relation = "ok" | "arithmetic" | "needs" | "excludes" | "no" | "unverified" | "broken";

/** One pair of strategies. */
export interface Pair {
  readonly first: Strategy;
  readonly second: Strategy;
  readonly relation: Relation;
  readonly source: string;
  /** Name of the rule that enforces it. */
  readonly rule?: string;
}

const guide = "MM examples/opensoraplan1.3/README.md";
const dynamicGuide = "MM docs/zh/features/dynamic_dpcp.md";
const unverified = "by reading; no run upstream or here";
const broken = {
  relation: "broken",
  source: "MM mindspeed_mm/models/common/attention.py:599,661",
  rule: "broken-algorithm-acknowledged",
} as const;
const fine = (first: Strategy, ...others: readonly Strategy[]): readonly Pair[] =>
  others.map((second) => ({ first, second, relation: "ok", source: guide }));
const brokenWith = (...others: readonly Strategy[]): readonly Pair[] =>
  others.map((second) => ({ first: "ring", second, ...broken }));

/** Every pair of strategies, once. Sequence parallelism runs inside tensor parallel groups and shares their compatibility. */
export const pairs: readonly Pair[] = [
  {
    first: "sequence",
    second: "tensor",
    relation: "needs",
    source: "MM validate_args_patch.py:578-580",
    rule: "sequence-parallel-needs-tensor",
  },
  {
    first: "tensor",
    second: "ulysses",
    relation: "arithmetic",
    source: "MS ulysses_context_parallel.py:25-33",
    rule: "heads-divide",
  },
  ...fine("tensor", "pipeline", "virtualPipeline", "vaeContext", "encoderData", "encoderOffload", "dynamicContext"),
  ...fine(
    "sequence",
    "ulysses",
    "pipeline",
    "virtualPipeline",
    "vaeContext",
    "encoderData",
    "encoderOffload",
    "dynamicContext",
  ),
  {
    first: "ulysses",
    second: "ring",
    relation: "excludes",
    source: "MS context_parallel_feature.py (one --context-parallel-algo)",
  },
  ...fine("ulysses", "pipeline", "virtualPipeline", "vaeContext", "encoderData", "encoderOffload"),
  {
    first: "dynamicContext",
    second: "ulysses",
    relation: "needs",
    source: dynamicGuide,
    rule: "dynamic-context-needs-ulysses",
  },
  ...brokenWith("tensor", "sequence", "pipeline", "virtualPipeline", "vaeContext", "encoderData", "encoderOffload"),
  {
    first: "ring",
    second: "dynamicContext",
    relation: "no",
    source: dynamicGuide,
    rule: "dynamic-context-needs-ulysses",
  },
  {
    first: "virtualPipeline",
    second: "pipeline",
    relation: "needs",
    source: "MM validate_args_patch.py:251-259",
    rule: "virtual-needs-pipeline",
  },
  {
    first: "pipeline",
    second: "vaeContext",
    relation: "no",
    source: "MM mindspeed_mm/models/ae/wfvae.py:428",
    rule: "pipeline-without-vae-context",
  },
  {
    first: "pipeline",
    second: "encoderData",
    relation: "no",
    source: "MM mindspeed_mm/models/sora_model.py:105",
    rule: "pipeline-without-encoder-data",
  },
  ...fine("pipeline", "encoderOffload"),
  {
    first: "pipeline",
    second: "dynamicContext",
    relation: "unverified",
    source: unverified,
    rule: "pipeline-with-dynamic-context",
  },
  {
    first: "virtualPipeline",
    second: "vaeContext",
    relation: "no",
    source: "MM mindspeed_mm/models/ae/wfvae.py:428",
    rule: "pipeline-without-vae-context",
  },
  {
    first: "virtualPipeline",
    second: "encoderData",
    relation: "no",
    source: "MM mindspeed_mm/models/sora_model.py:105",
    rule: "pipeline-without-encoder-data",
  },
  ...fine("virtualPipeline", "encoderOffload"),
  {
    first: "virtualPipeline",
    second: "dynamicContext",
    relation: "unverified",
    source: unverified,
    rule: "pipeline-with-dynamic-context",
  },
  {
    first: "vaeContext",
    second: "encoderData",
    relation: "no",
    source: `${guide} (not checked by the code)`,
    rule: "vae-context-without-encoder-data",
  },
  ...fine("vaeContext", "encoderOffload"),
  {
    first: "vaeContext",
    second: "dynamicContext",
    relation: "unverified",
    source: unverified,
    rule: "vae-context-with-dynamic-context",
  },
  ...fine("encoderData", "encoderOffload"),
  {
    first: "encoderData",
    second: "dynamicContext",
    relation: "no",
    source: dynamicGuide,
    rule: "encoder-data-without-dynamic-context",
  },
  {
    first: "encoderOffload",
    second: "dynamicContext",
    relation: "no",
    source: dynamicGuide,
    rule: "encoder-offload-without-dynamic-context",
  },
];

const settingOf = (strategy: Strategy): readonly Setting[] => {
  const { setting } = strategyFacts[strategy];
  return setting === "sequence" ? [] : [setting];
};

function ruleOf({ first, second, relation, source }: Pair, name: string): LayoutRule {
  const [one, other] = [strategyFacts[first], strategyFacts[second]];
  const isRefused = relation === "no";
  return {
    name,
    severity: isRefused ? "error" : "warning",
    source,
    mendedBy: [...settingOf(first), ...settingOf(second)],
    isBroken: ({ request }) => one.isOn(request) && other.isOn(request),
    finding: () => ({
      path: ["parallel", other.setting],
      what: isRefused
        ? `${other.title} cannot be combined with ${one.title}`
        : `${other.title} together with ${one.title} is unverified`,
      got: `${one.setting} and ${other.setting}`,
      allowed: `${one.setting} or ${other.setting}, not both`,
    }),
  };
}

/** Pairs whose rule stands in another file. */
const enforcedElsewhere: readonly string[] = ["dynamic-context-needs-ulysses"];

/** Rules that follow from the pairs; a pair of virtual pipelining is covered by that of pipelining. */
export const pairRules: readonly LayoutRule[] = pairs
  .filter(({ relation, first }) => (relation === "no" || relation === "unverified") && first !== "virtualPipeline")
  .flatMap((pair) =>
    pair.rule === undefined || enforcedElsewhere.includes(pair.rule) ? [] : [ruleOf(pair, pair.rule)],
  );
