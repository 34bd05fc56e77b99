import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyQuestion, type Change, question } from "../../tests/layout-questions.ts";
import { choicesOf } from "./choices.ts";
import { type LayoutQuestion, settings } from "./facts.ts";
import { Frontier } from "./frontier.ts";
import { layoutProblems, layoutRules, nearestLayouts } from "./rules.ts";
import { contextOf } from "./suggestions.ts";

const nearest = (change: Change): readonly string[] => nearestLayouts(question(change)).map(({ text }) => text);

describe("suggestions", () => {
  it.each<[string, Change, readonly string[]]>([
    ["tensor 3 on 8 NPUs", { request: { tensor: 3 } }, ["tensor 4", "tensor 2", "tensor 8"]],
    [
      "tensor 3 and context 3 on 16 NPUs",
      { request: { tensor: 3, context: 3 }, nodes: 2 },
      ["tensor 2 and context 4", "tensor 4 and context 2", "tensor 2 and context 2"],
    ],
    [
      "tensor 4 × context 4 for 24 heads",
      { request: { tensor: 4, context: 4 }, nodes: 2 },
      ["tensor 2", "context 2", "context 1"],
    ],
    [
      "virtual pipelining with too few microbatches",
      { request: { pipeline: 4, virtualPipeline: 2 } },
      ["virtualPipeline 1", "batch.accumulation 4", "batch.accumulation 8"],
    ],
    ["pipelining and autoencoder groups", { request: { pipeline: 2, vaeContext: 2 } }, ["pipeline 1", "vaeContext 1"]],
    [
      "ring with context 1",
      {
        request: {
          contextAlgorithm: { kind: "ring", windowSize: 1, overlapSendReceive: true, acknowledgeBroken: true },
        },
      },
      ["context 2", "context 4", "context 8"],
    ],
    [
      "a global batch of 12 on 8 replicas",
      { batch: { micro: 1, global: 12 } },
      ["batch.global 16", "batch.global 8", "tensor 2"],
    ],
    ["what already runs", {}, []],
  ])("for %s", (_, change, expected) => {
    expect(nearest(change)).toEqual(expected);
  });

  it("stand in every error that the layout can mend, and not beside their own cure", () => {
    const problems = layoutProblems(question({ request: { tensor: 3 }, run: { deviceConnections: "2" } }));
    expect(problems.map(({ rule, nearest: near }) => [rule, near])).toEqual([
      ["world-size-divides", ["tensor 4", "tensor 2", "tensor 8"]],
      ["single-device-connection", ["1"]],
    ]);
  });

  it("are none where nothing of the layout can help", () => {
    expect(nearest({ model: { latentFrames: [] } })).toEqual([]);
    expect(nearest({ run: { recompute: { granularity: "selective", layers: 1 } } })).toEqual([]);
  });

  it("are the cheapest single changes, compared with trying every one", () => {
    fc.assert(
      fc.property(anyQuestion, (asked) => {
        const found = nearestLayouts(asked);
        if (found.length === 0) return;
        const accepted = settings
          .flatMap((setting) => choicesOf(asked)[setting])
          .filter(({ change }) => {
            const request = "request" in change ? { ...asked.request, ...change.request } : asked.request;
            const batch = "batch" in change ? { ...asked.batch, ...change.batch } : asked.batch;
            return layoutProblems({ ...asked, request, batch }).every(({ severity }) => severity !== "error");
          })
          .map(({ cost }) => cost)
          .toSorted((left, right) => left - right);
        const single = found.filter((suggestion) => suggestion.settings.length === 1).map(({ cost }) => cost);
        expect(single).toEqual(accepted.slice(0, single.length));
        if (accepted.length > 0) expect(found[0]?.cost).toBeLessThanOrEqual(accepted[0] ?? 0);
      }),
      { numRuns: 100 },
    );
  });
});

/** One setting of one question, put into another. */
const transplanted = (into: LayoutQuestion, from: LayoutQuestion, kept: ReadonlySet<string>): LayoutQuestion => {
  const request = { ...from.request, sequence: into.request.sequence } as Record<string, unknown>;
  const batch = { micro: from.batch.micro, accumulation: from.batch.accumulation, global: from.batch.global } as Record<
    string,
    unknown
  >;
  for (const name of kept) {
    if (name in { micro: 0, accumulation: 0, global: 0 }) batch[name] = into.batch[name as "micro"];
    else request[name] = into.request[name as "tensor"];
  }
  return {
    ...into,
    request: request as unknown as LayoutQuestion["request"],
    batch: batch as unknown as LayoutQuestion["batch"],
  };
};

describe("the settings that mend a rule", () => {
  it("are all on which its verdict depends", () => {
    fc.assert(
      fc.property(anyQuestion, anyQuestion, (one, other) => {
        for (const rule of layoutRules.filter(
          ({ severity, mendedBy }) => severity === "error" && mendedBy.length > 0,
        )) {
          const changed = transplanted(one, other, new Set(rule.mendedBy));
          expect(rule.isBroken(contextOf(changed)), rule.name).toBe(rule.isBroken(contextOf(one)));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the frontier", () => {
  it("hands out the cheapest first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (costs) => {
        const frontier = new Frontier<{ readonly cost: number }>();
        for (const cost of costs) frontier.push({ cost });
        const out = costs.map(() => frontier.pop()?.cost);
        expect(out).toEqual(costs.toSorted((left, right) => left - right));
        expect(frontier.pop()).toBeUndefined();
      }),
    );
  });
});
