/** The matrix of strategies against the rules: for each pair, what the rules say of a layout that has just these two. */
import { describe, expect, it } from "vitest";
import { type Change, question } from "../../tests/layout-questions.ts";
import { pairs } from "./compatibility.ts";
import { type Strategy, strategies } from "./facts.ts";
import type { ParallelRequest } from "./layout.ts";
import { layoutFindings, layoutRules } from "./rules.ts";
import { activeStrategies } from "./strategies.ts";

/** Each strategy in sizes that fit together: 8 NPUs, 24 heads, 32 layers, clips of 93 frames. */
const on: Readonly<Record<Strategy, Partial<ParallelRequest>>> = {
  tensor: { tensor: 2 },
  sequence: { sequence: true, tensor: 2 },
  ulysses: { context: 2 },
  ring: {
    context: 2,
    contextAlgorithm: { kind: "ring", windowSize: 1, overlapSendReceive: true, acknowledgeBroken: false },
  },
  pipeline: { pipeline: 2 },
  virtualPipeline: { pipeline: 2, virtualPipeline: 2 },
  vaeContext: { vaeContext: 2 },
  encoderData: { encoderData: true },
  encoderOffload: { encoderOffloadInterval: 20 },
  dynamicContext: { dynamicContext: { maximumContext: 2, maximumSequenceLength: 54_853_632 } },
};

/** Requests in which a strategy works but the one that it needs is off. */
const alone: Readonly<Partial<Record<Strategy, Partial<ParallelRequest>>>> = {
  sequence: { sequence: true, tensor: 1 },
  virtualPipeline: { pipeline: 1, virtualPipeline: 2 },
  dynamicContext: { ...on.ring, ...on.dynamicContext },
};

const together = (first: Strategy, second: Strategy): Change => ({
  request: { sequence: false, ...on[first], ...on[second] },
  batch: { micro: 1, accumulation: 4 },
  run: { resolution: "static", saveInterval: 1000, autoencoderType: "bf16" },
});

const ruled = (change: Change, severity: "error" | "warning" | "note") =>
  layoutFindings(question(change))
    .filter((finding) => finding.severity === severity)
    .map(({ rule }) => rule);

const named = (first: Strategy, second: Strategy) =>
  pairs.filter((pair) => [pair.first, pair.second].toSorted().join() === [first, second].toSorted().join());

describe("the matrix", () => {
  it("has every pair of strategies once", () => {
    const all = strategies.flatMap((first, index) => strategies.slice(index + 1).map((second) => ({ first, second })));
    expect(all).toHaveLength(45);
    expect(pairs).toHaveLength(45);
    for (const { first, second } of all) expect(named(first, second), `${first} and ${second}`).toHaveLength(1);
  });

  it("names rules that exist, with the source of each row", () => {
    const names = layoutRules.map(({ name }) => name);
    for (const pair of pairs) {
      expect(pair.source).not.toBe("");
      if (pair.rule !== undefined) expect(names).toContain(pair.rule);
      expect(pair.rule === undefined).toBe(pair.relation === "ok" || pair.relation === "excludes");
    }
  });
});

describe.each(pairs)("$first and $second: $relation", ({ first, second, relation, rule }) => {
  const change = together(first, second);
  const errors = ruled(change, "error");

  it("is what the rules say", () => {
    if (relation !== "excludes")
      expect(activeStrategies(question(change).request)).toEqual(
        expect.arrayContaining([first, second].filter((name) => !(name === "ulysses" && first === "ring"))),
      );
    switch (relation) {
      case "ok":
        expect(errors).toEqual([]);
        break;
      case "arithmetic":
        expect(errors).toEqual([]);
        expect(ruled({ ...change, request: { ...change.request, tensor: 4, context: 4 }, nodes: 2 }, "error")).toEqual([
          rule,
        ]);
        break;
      case "needs":
        expect(errors).toEqual([]);
        expect([
          ...ruled({ ...change, request: { ...alone[first] } }, "error"),
          ...ruled({ ...change, request: { ...alone[first] } }, "note"),
        ]).toContain(rule);
        break;
      case "excludes":
        expect(
          activeStrategies(question(change).request).filter((name) => name === first || name === second),
        ).toHaveLength(1);
        break;
      case "no":
      case "broken":
        expect(errors).toContain(rule);
        break;
      case "unverified":
        expect(errors).toEqual([]);
        expect(ruled(change, "warning")).toContain(rule);
        break;
    }
  });
});
