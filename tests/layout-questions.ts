/** Layouts to judge: the guide's default, and random ones, both near it and far from it. */
import fc from "fast-check";
import type { LayoutQuestion, ModelFacts, RunFacts } from "../src/parallel/facts.ts";
import type { BatchRequest, ContextAlgorithm, ParallelRequest } from "../src/parallel/layout.ts";
import { latentFrameChoices } from "../src/parallel/rules.ts";

/** A model with the sizes of the released one, and dynamic clips of 29 to 93 frames. */
export const model: ModelFacts = {
  attentionHeads: 24,
  layers: 32,
  sequenceLength: 3072,
  captionLength: 512,
  latentFrames: latentFrameChoices(29, 93, 4),
  temporalStride: 4,
};

/** Everything off. */
export const plain: ParallelRequest = {
  tensor: 1,
  pipeline: 1,
  virtualPipeline: 1,
  context: 1,
  sequence: true,
  contextAlgorithm: { kind: "ulysses" },
  vaeContext: 1,
  encoderData: false,
  encoderOffloadInterval: 1,
};

/** What differs from the guide's default on one node of eight NPUs. */
export interface Change {
  readonly request?: Partial<ParallelRequest>;
  readonly batch?: BatchRequest;
  readonly nodes?: number;
  readonly npusPerNode?: number;
  readonly model?: Partial<ModelFacts>;
  readonly run?: RunFacts;
}

/** The guide's default with a change. */
export const question = ({ request, batch = { micro: 1 }, nodes = 1, npusPerNode = 8, model: facts, run }: Change) => ({
  request: { ...plain, ...request },
  batch,
  nodes,
  npusPerNode,
  model: { ...model, ...facts },
  ...(run === undefined ? {} : { run }),
});

const count = (max: number, min = 1): fc.Arbitrary<number> => fc.integer({ min, max });

/** A value that is the default seven times out of ten, so that accepted layouts are not too rare. */
const mostly = <Value>(usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(usual) }, { weight: 3, arbitrary: other });

const record = <Value>(fields: { [Key in keyof Value]: fc.Arbitrary<Value[Key]> }): fc.Arbitrary<Value> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Value>;

const ring = { windowSize: count(8), overlapSendReceive: fc.boolean(), acknowledgeBroken: fc.boolean() };
const algorithm: fc.Arbitrary<ContextAlgorithm> = fc.oneof(
  record({ kind: fc.constant("ring" as const), ...ring }),
  record({ kind: fc.constant("hybrid" as const), ulyssesDegree: count(8), ...ring }),
);

const layers = fc.oneof(
  fc.constantFrom([16, 16], [8, 8, 8, 8], [6, 8, 9, 9], [4, 28], [32]),
  fc.constantFrom(
    [
      [8, 8],
      [8, 8],
    ],
    [
      [4, 4, 4, 4],
      [4, 4, 4, 4],
    ],
    [[32]],
  ),
  fc.array(count(20, 0), { minLength: 1, maxLength: 4 }),
  fc.array(fc.array(count(10, 0), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
);

const dynamicContext = record({ maximumContext: count(16), maximumSequenceLength: fc.constant(54_853_632) });

function requests(often: <Value>(usual: Value, other: fc.Arbitrary<Value>) => fc.Arbitrary<Value>) {
  return record<ParallelRequest>({
    tensor: often(1, count(16)),
    pipeline: often(1, count(8)),
    virtualPipeline: often(1, count(3)),
    layersPerStage: often<ParallelRequest["layersPerStage"]>(undefined, layers),
    context: often(1, count(16)),
    sequence: fc.boolean(),
    contextAlgorithm: often<ContextAlgorithm>({ kind: "ulysses" }, algorithm),
    dynamicContext: often<ParallelRequest["dynamicContext"]>(undefined, dynamicContext),
    vaeContext: often(1, count(32)),
    encoderData: often(false, fc.boolean()),
    encoderOffloadInterval: often(1, count(30)),
  });
}

const batch: fc.Arbitrary<BatchRequest> = fc.oneof(
  record({ micro: count(4), accumulation: count(8) }),
  record({ micro: count(4), global: fc.oneof(count(4096), fc.constantFrom(8, 16, 64, 128, 1024)) }),
);

const run: fc.Arbitrary<RunFacts> = record<RunFacts>({
  resolution: fc.constantFrom("dynamic", "static"),
  saveInterval: fc.constantFrom(10_000, 500, 7),
  autoencoderType: fc.constantFrom("bf16", "bf16", "fp32"),
  overlapsPointToPoint: fc.boolean(),
  recompute: fc.constant({ granularity: "full", method: "block", layers: 32 }),
});

const questionsOf = (request: fc.Arbitrary<ParallelRequest>): fc.Arbitrary<LayoutQuestion> =>
  record<LayoutQuestion>({
    request,
    batch,
    nodes: fc.oneof(count(64), fc.constantFrom(1, 2, 4, 8, 16)),
    npusPerNode: fc.constantFrom(1, 2, 4, 8, 16),
    model: fc.oneof(
      fc.constant(model),
      fc.constant({ ...model, attentionHeads: 32, layers: 30, latentFrames: [24], isRingWorking: true }),
      fc.constant({ attentionHeads: 12, layers: 30, sequenceLength: 3072 }),
    ),
    run,
  });

/** Random layouts: half of them with few changes, half with everything at random. */
export const anyQuestion: fc.Arbitrary<LayoutQuestion> = fc.oneof(
  questionsOf(requests(mostly)),
  questionsOf(requests((_, other) => other)),
);
