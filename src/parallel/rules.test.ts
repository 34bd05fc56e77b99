import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelFacts, RuleContext } from "./facts.ts";
import { type BatchRequest, type ContextAlgorithm, layoutOf, modelParallelSize } from "./layout.ts";
import { latentFrameChoices, layoutProblems, layoutRules } from "./rules.ts";

const dynamicClips = latentFrameChoices(29, 93, 4);
const model: ModelFacts = {
  attentionHeads: 24,
  layers: 32,
  sequenceLength: 3072,
  captionLength: 512,
  latentFrames: dynamicClips,
};
const ulysses: ContextAlgorithm = { kind: "ulysses" };

interface Sizes {
  readonly tensor?: number;
  readonly context?: number;
  readonly contextAlgorithm?: ContextAlgorithm;
  readonly nodes?: number;
  readonly npusPerNode?: number;
  readonly batch?: BatchRequest;
  readonly facts?: Partial<ModelFacts>;
}

function contextOf({
  tensor = 1,
  context = 1,
  contextAlgorithm = ulysses,
  nodes = 1,
  npusPerNode = 8,
  batch = { micro: 1 },
  facts = {},
}: Sizes): RuleContext {
  const request = {
    ...{ tensor, context, contextAlgorithm, pipeline: 1, virtualPipeline: 1, sequence: true },
    ...{ vaeContext: 1, encoderData: false, encoderOffloadInterval: 1 },
  };
  const facts24 = { ...model, ...facts };
  const layout = layoutOf(request, batch, nodes * npusPerNode, facts24.layers);
  return { request, batch, layout, model: facts24, nodes, npusPerNode };
}

const brokenRules = (sizes: Sizes): readonly string[] => layoutProblems(contextOf(sizes)).map(({ rule }) => rule);

describe("layout", () => {
  it.each([
    [{ tensor: 1, context: 1 }, 8, 8, 1],
    [{ tensor: 2, context: 2, nodes: 2 }, 4, 4, 1],
    [{ tensor: 2, batch: { micro: 2, accumulation: 3 } }, 4, 24, 3],
    [{ batch: { micro: 1, global: 32 } }, 8, 32, 4],
  ] as const)("%j: data %i, global batch %i, microbatches %i", (sizes, data, globalBatch, microbatches) => {
    expect(contextOf(sizes).layout).toMatchObject({ data, globalBatch, microbatches });
  });

  it("finds the latent frames of the guide's clips", () => {
    expect(dynamicClips).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
    expect(latentFrameChoices(93, 93, 4)).toEqual([24]);
    expect(latentFrameChoices(30, 32, 4)).toEqual([]);
  });
});

describe("rules", () => {
  it.each<[string, Sizes, string]>([
    ["tensor 3 on 8 NPUs", { tensor: 3 }, "world-size-divides"],
    ["tensor 16 for 24 heads", { tensor: 16, nodes: 2 }, "heads-divide"],
    ["tensor 4 × context 4 for 24 heads", { tensor: 4, context: 4, nodes: 2 }, "heads-divide"],
    ["context 5 for 3072 tokens", { context: 5, npusPerNode: 5, facts: { attentionHeads: 5 } }, "sequence-divides"],
    ["context 3 for a caption of 512 tokens", { context: 3, npusPerNode: 6 }, "caption-divides"],
    [
      "context 16 for 24 latent frames",
      { context: 16, nodes: 2, facts: { attentionHeads: 32, latentFrames: [24] } },
      "latent-frames-divide",
    ],
    [
      "ring with context 1",
      { contextAlgorithm: { kind: "ring", windowSize: 1, overlapSendReceive: true, acknowledgeBroken: true } },
      "ring-needs-context",
    ],
    [
      "ring without acknowledgement",
      {
        context: 2,
        contextAlgorithm: { kind: "ring", windowSize: 1, overlapSendReceive: true, acknowledgeBroken: false },
      },
      "broken-algorithm-acknowledged",
    ],
    [
      "a ring window that does not divide",
      {
        context: 8,
        contextAlgorithm: { kind: "ring", windowSize: 3, overlapSendReceive: true, acknowledgeBroken: true },
      },
      "ring-window-divides",
    ],
    [
      "a ring window as large as the ring",
      {
        context: 4,
        contextAlgorithm: { kind: "ring", windowSize: 4, overlapSendReceive: true, acknowledgeBroken: true },
      },
      "ring-window-divides",
    ],
    [
      "a Ulysses degree that leaves no ring",
      {
        context: 4,
        contextAlgorithm: {
          kind: "hybrid",
          ulyssesDegree: 4,
          windowSize: 1,
          overlapSendReceive: true,
          acknowledgeBroken: true,
        },
      },
      "ulysses-degree-divides",
    ],
    [
      "a strategy that the recipe cannot start",
      { tensor: 2, facts: { strategies: ["ulysses"] } },
      "strategy-supported",
    ],
    ["a global batch of 12 on 8 replicas", { batch: { micro: 1, global: 12 } }, "global-batch-divides"],
    ["a global batch below one microbatch", { batch: { micro: 2, global: 8 } }, "global-batch-divides"],
  ])("%s breaks %s", (_, sizes, rule) => {
    expect(brokenRules(sizes)).toContain(rule);
  });

  it.each<[string, Sizes]>([
    ["the guide's default", {}],
    ["upstream's own test: tensor 2, context 2", { tensor: 2, context: 2 }],
    ["two nodes with tensor 2 and context 2", { tensor: 2, context: 2, nodes: 2 }],
    ["tensor 8", { tensor: 8 }],
    ["context 8", { context: 8 }],
    [
      "acknowledged double ring",
      {
        context: 8,
        contextAlgorithm: { kind: "ring", windowSize: 4, overlapSendReceive: true, acknowledgeBroken: true },
      },
    ],
    [
      "acknowledged hybrid",
      {
        context: 8,
        contextAlgorithm: {
          kind: "hybrid",
          ulyssesDegree: 2,
          windowSize: 2,
          overlapSendReceive: true,
          acknowledgeBroken: true,
        },
      },
    ],
    ["a global batch of 16", { batch: { micro: 1, global: 16 } }],
  ])("%s is accepted", (_, sizes) => {
    expect(brokenRules(sizes)).toEqual([]);
  });

  it("has a name and a source for each rule, all different", () => {
    expect(new Set(layoutRules.map(({ name }) => name)).size).toBe(layoutRules.length);
    for (const { source } of layoutRules) expect(source).toMatch(/\.(py|md)/);
  });

  it("says what to take instead of tensor 3 on 8 NPUs", () => {
    expect(layoutProblems(contextOf({ tensor: 3 }))[0]).toMatchObject({
      path: ["parallel"],
      what: "tensor 3 × pipeline 1 × context 1 = 3 does not divide the 8 NPUs of the run (1 × 8)",
      nearest: ["tensor 2", "tensor 4", "tensor 1"],
    });
  });
});

const anyAlgorithm = fc.oneof(
  fc.constant(ulysses),
  fc.record({
    kind: fc.constant("ring" as const),
    windowSize: fc.integer({ min: 1, max: 16 }),
    overlapSendReceive: fc.boolean(),
    acknowledgeBroken: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("hybrid" as const),
    ulyssesDegree: fc.integer({ min: 1, max: 16 }),
    windowSize: fc.integer({ min: 1, max: 16 }),
    overlapSendReceive: fc.boolean(),
    acknowledgeBroken: fc.boolean(),
  }),
);

const anySizes = fc.record({
  tensor: fc.integer({ min: 1, max: 32 }),
  context: fc.integer({ min: 1, max: 32 }),
  nodes: fc.integer({ min: 1, max: 64 }),
  npusPerNode: fc.constantFrom(1, 2, 4, 8, 16),
  contextAlgorithm: anyAlgorithm,
  batch: fc.oneof(
    fc.record({ micro: fc.integer({ min: 1, max: 4 }), accumulation: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ micro: fc.integer({ min: 1, max: 4 }), global: fc.integer({ min: 1, max: 4096 }) }),
  ),
});

describe("every layout", () => {
  it("that is accepted satisfies the arithmetic of the framework", () => {
    fc.assert(
      fc.property(anySizes, (sizes) => {
        const context = contextOf(sizes);
        if (layoutProblems(context).length > 0) return;
        const { layout } = context;
        expect(layout.worldSize % modelParallelSize(layout)).toBe(0);
        expect(layout.globalBatch).toBe(layout.microBatch * layout.data * layout.microbatches);
        expect(Number.isInteger(layout.microbatches) && layout.microbatches >= 1).toBe(true);
        expect(24 % (layout.contextAlgorithm.kind === "ulysses" ? layout.tensor * layout.context : layout.tensor)).toBe(
          0,
        );
        expect(layout.context === 1 || 3072 % (2 * layout.context) === 0).toBe(true);
        expect(512 % layout.context).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("that is refused names its rule, what was got and what is allowed", () => {
    fc.assert(
      fc.property(anySizes, (sizes) => {
        for (const problem of layoutProblems(contextOf(sizes))) {
          expect(layoutRules.map(({ name }) => name)).toContain(problem.rule);
          expect(problem.got).not.toBe("");
          expect(problem.allowed).not.toBe("");
          expect(problem.what).not.toMatch(/NaN|undefined|Infinity/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
