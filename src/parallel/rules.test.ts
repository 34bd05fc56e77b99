import { describe, expect, it } from "vitest";
import { type Change, model, question } from "../../tests/layout-questions.ts";
import type { ContextAlgorithm, ParallelRequest } from "./layout.ts";
import { latentFrameChoices, layoutFindings, layoutProblems, layoutRules } from "./rules.ts";

const broken = (change: Change): readonly string[] => layoutFindings(question(change)).map(({ rule }) => rule);
const errors = (change: Change): readonly string[] =>
  layoutFindings(question(change))
    .filter(({ severity }) => severity === "error")
    .map(({ rule }) => rule);

const ring = (windowSize: number, acknowledgeBroken = true): ContextAlgorithm => ({
  kind: "ring",
  windowSize,
  overlapSendReceive: true,
  acknowledgeBroken,
});
const hybrid = (ulyssesDegree: number, windowSize: number): ContextAlgorithm => ({
  ...{ kind: "hybrid", ulyssesDegree, windowSize },
  ...{ overlapSendReceive: true, acknowledgeBroken: true },
});
const dynamic = (maximumContext: number): Partial<ParallelRequest> => ({
  dynamicContext: { maximumContext, maximumSequenceLength: 54_853_632 },
});
const full = { granularity: "full", method: "block" } as const;
const moreNodes = { nodes: 2 };

/** At least one layout that breaks each rule, by the name of the rule. */
const breaking: readonly (readonly [rule: string, what: string, change: Change])[] = [
  [
    "strategy-supported",
    "a strategy that the recipe cannot start",
    { request: { tensor: 2 }, model: { strategies: ["ulysses"] } },
  ],
  ["world-size-divides", "tensor 3 on 8 NPUs", { request: { tensor: 3 } }],
  ["heads-divide", "tensor 16 for 24 heads", { request: { tensor: 16 }, ...moreNodes }],
  ["heads-divide", "tensor 4 × context 4 for 24 heads", { request: { tensor: 4, context: 4 }, ...moreNodes }],
  ["heads-divide", "dynamic context up to 16 for 24 heads", { request: dynamic(16), ...moreNodes }],
  ["sequence-parallel-needs-tensor", "sequence parallelism alone", {}],
  [
    "single-device-connection",
    "two connections with tensor 2",
    { request: { tensor: 2 }, run: { deviceConnections: "2" } },
  ],
  [
    "single-device-connection",
    "two connections with context 2",
    { request: { context: 2 }, run: { deviceConnections: "2" } },
  ],
  ["sharding-device-connections", "one connection with FSDP2", { run: { deviceConnections: "1", sharding: "fsdp2" } }],
  ["sequence-divides", "context 5 for 3072 tokens", { request: { context: 5 }, npusPerNode: 5 }],
  ["caption-divides", "context 3 for a caption of 512 tokens", { request: { context: 3 }, npusPerNode: 6 }],
  [
    "latent-frames-divide",
    "context 16 for 24 latent frames",
    { request: { context: 16 }, ...moreNodes, model: { latentFrames: [24] } },
  ],
  [
    "latent-frames-divide",
    "dynamic context up to 16 for 24 latent frames",
    { request: dynamic(16), model: { latentFrames: [24] } },
  ],
  ["ring-needs-context", "ring with context 1", { request: { contextAlgorithm: ring(1) } }],
  [
    "ulysses-degree-divides",
    "a Ulysses degree that leaves no ring",
    { request: { context: 4, contextAlgorithm: hybrid(4, 1) } },
  ],
  [
    "ulysses-degree-divides",
    "a Ulysses degree whose heads do not divide",
    { request: { tensor: 3, context: 32, contextAlgorithm: hybrid(16, 1) }, npusPerNode: 96 },
  ],
  ["ring-window-divides", "a ring window that does not divide", { request: { context: 8, contextAlgorithm: ring(3) } }],
  ["ring-window-divides", "a ring window as large as the ring", { request: { context: 4, contextAlgorithm: ring(4) } }],
  [
    "broken-algorithm-acknowledged",
    "ring without acknowledgement",
    { request: { context: 2, contextAlgorithm: ring(1, false) } },
  ],
  [
    "dynamic-context-needs-ulysses",
    "dynamic context with ring",
    { request: { ...dynamic(4), context: 2, contextAlgorithm: ring(1) } },
  ],
  ["dynamic-context-power-of-two", "dynamic context up to 6", { request: dynamic(6) }],
  ["dynamic-context-world-divides", "dynamic context up to 4 on 6 NPUs", { request: dynamic(4), npusPerNode: 6 }],
  [
    "dynamic-context-batch-divides",
    "a global batch of 4 on 8 ranks",
    { request: { ...dynamic(4), context: 2 }, batch: { micro: 1, global: 4 } },
  ],
  ["dynamic-context-fits", "dynamic context up to 16 on 8 ranks", { request: dynamic(16) }],
  ["dynamic-context-starts-at-one", "context 2 beside dynamic context", { request: { ...dynamic(4), context: 2 } }],
  ["virtual-needs-pipeline", "virtual pipeline 2 with pipeline 1", { request: { virtualPipeline: 2 } }],
  [
    "virtual-needs-pipeline",
    "virtual pipeline 2 with pipeline 2 and no overlap",
    { request: { virtualPipeline: 2, pipeline: 2 }, run: { overlapsPointToPoint: false } },
  ],
  [
    "virtual-chunks-match",
    "one list for virtual pipeline 2",
    { request: { pipeline: 2, virtualPipeline: 2, layersPerStage: [16, 16] } },
  ],
  [
    "virtual-chunks-match",
    "two lists for virtual pipeline 1",
    {
      request: {
        pipeline: 2,
        layersPerStage: [
          [8, 8],
          [8, 8],
        ],
      },
    },
  ],
  ["stage-count-matches", "three counts for pipeline 4", { request: { pipeline: 4, layersPerStage: [8, 12, 12] } }],
  ["stage-layers-sum", "31 layers of 32", { request: { pipeline: 2, layersPerStage: [15, 16] } }],
  ["stage-layers-positive", "an empty stage", { request: { pipeline: 2, layersPerStage: [0, 32] } }],
  ["stage-layers-positive", "more chunks than layers", { request: { pipeline: 8, virtualPipeline: 5 } }],
  ["stage-layers-used", "a list of layers without pipelining", { request: { layersPerStage: [8, 8, 8, 8] } }],
  [
    "virtual-microbatches-divide",
    "one microbatch for virtual pipelining",
    { request: { pipeline: 2, virtualPipeline: 2 } },
  ],
  [
    "converted-keys-kept",
    "pipelining with a converter that loses weights",
    { request: { pipeline: 2 }, model: { keysLostWithPipeline: ["pos_embed_mask.*"] } },
  ],
  [
    "autoencoder-type-with-pipeline",
    "pipelining with an fp32 autoencoder",
    { request: { pipeline: 2 }, run: { autoencoderType: "fp32" } },
  ],
  ["first-stage-lighter", "a heavy first stage", { request: { pipeline: 2, layersPerStage: [17, 15] } }],
  ["virtual-first-stage-memory", "virtual pipelining with encoders", { request: { pipeline: 2, virtualPipeline: 2 } }],
  ["vae-context-world-divides", "autoencoder groups of 3 on 8 NPUs", { request: { vaeContext: 3 } }],
  [
    "vae-context-groups-fit",
    "autoencoder groups of 4 with tensor 6",
    { request: { tensor: 6, vaeContext: 4 }, npusPerNode: 12 },
  ],
  ["vae-context-frames-divide", "autoencoder groups of 8 with clips of 33 frames", { request: { vaeContext: 8 } }],
  [
    "vae-context-equal-shapes",
    "autoencoder groups over replicas with dynamic resolution",
    { request: { vaeContext: 2 }, run: { resolution: "dynamic" } },
  ],
  [
    "vae-context-equals-context",
    "autoencoder groups of another size than context",
    { request: { context: 2, vaeContext: 4 } },
  ],
  [
    "encoder-data-needs-static",
    "data parallel encoders with dynamic resolution",
    { request: { encoderData: true }, run: { resolution: "dynamic" } },
  ],
  [
    "offload-interval-divides-saves",
    "encoding every 12 steps, saving every 1000",
    { request: { encoderOffloadInterval: 12 }, run: { saveInterval: 1000 } },
  ],
  ["offload-interval-large", "encoding every 10 steps", { request: { encoderOffloadInterval: 10 } }],
  [
    "encoders-in-use",
    "autoencoder groups without an encoder",
    { request: { context: 2, vaeContext: 2 }, run: { usesFeatures: true } },
  ],
  ["pipeline-without-vae-context", "pipelining and autoencoder groups", { request: { pipeline: 2, vaeContext: 2 } }],
  [
    "pipeline-without-encoder-data",
    "pipelining and data parallel encoders",
    { request: { pipeline: 2, encoderData: true } },
  ],
  ["pipeline-with-dynamic-context", "pipelining and dynamic context", { request: { pipeline: 2, ...dynamic(2) } }],
  [
    "vae-context-without-encoder-data",
    "autoencoder groups and data parallel encoders",
    { request: { vaeContext: 2, encoderData: true } },
  ],
  [
    "vae-context-with-dynamic-context",
    "autoencoder groups and dynamic context",
    { request: { vaeContext: 2, ...dynamic(2) } },
  ],
  [
    "encoder-data-without-dynamic-context",
    "data parallel encoders and dynamic context",
    { request: { encoderData: true, ...dynamic(2) } },
  ],
  [
    "encoder-offload-without-dynamic-context",
    "encoder offload and dynamic context",
    { request: { encoderOffloadInterval: 20, ...dynamic(2) } },
  ],
  ["global-batch-divides", "a global batch of 12 on 8 replicas", { batch: { micro: 1, global: 12 } }],
  ["global-batch-divides", "a global batch below one microbatch", { batch: { micro: 2, global: 8 } }],
  ["prompts-divide", "3 prompts in microbatches of 2", { batch: { micro: 2 }, run: { prompts: 3 } }],
  ["recompute-is-full", "selective recomputation", { run: { recompute: { granularity: "selective", layers: 1 } } }],
  [
    "activations-stay-local",
    "distributed activations",
    { run: { recompute: { ...full, layers: 1, distributesActivations: true } } },
  ],
  [
    "recompute-layers-fit",
    "32 layers to compute again in stages of 16",
    { request: { pipeline: 2 }, run: { recompute: { ...full, layers: 32 } } },
  ],
  [
    "precision-agrees",
    "an fp32 model file in a bf16 training",
    { run: { precision: { training: "bf16", files: ["bf16", "fp32"] } } },
  ],
];

describe("rules", () => {
  it.each(breaking)("%s: %s", (rule, _, change) => {
    expect(broken(change)).toContain(rule);
  });

  it("are all broken by an example, and have a name of their own and a source", () => {
    const names = layoutRules.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(breaking.map(([rule]) => rule))).toEqual(new Set(names));
    for (const { source } of layoutRules) expect(source).toMatch(/\.(py|md)|by reading|converter/);
  });

  it.each<[string, Change]>([
    ["the guide's default", {}],
    [
      "upstream's own test: tensor 2, context 2 on 4 NPUs with 8 layers",
      { request: { tensor: 2, context: 2 }, npusPerNode: 4, model: { layers: 8 } },
    ],
    ["tensor 8", { request: { tensor: 8 } }],
    ["context 8", { request: { context: 8 } }],
    ["the guide's pipeline of 4 stages", { request: { pipeline: 4, layersPerStage: [6, 8, 9, 9] } }],
    [
      "the guide's virtual pipeline",
      {
        request: {
          pipeline: 4,
          virtualPipeline: 2,
          layersPerStage: [
            [4, 4, 4, 4],
            [4, 4, 4, 4],
          ],
        },
        batch: { micro: 1, accumulation: 4 },
      },
    ],
    ["autoencoder groups as large as context", { request: { context: 8, vaeContext: 8 } }],
    [
      "autoencoder groups of 32 for clips of 93 frames",
      { request: { vaeContext: 32 }, npusPerNode: 32, model: { latentFrames: [24] } },
    ],
    [
      "data parallel encoders with encoder offload",
      { request: { encoderData: true, encoderOffloadInterval: 20 }, run: { resolution: "static", saveInterval: 1000 } },
    ],
    ["dynamic context as upstream sets it", { request: dynamic(4) }],
    ["acknowledged double ring", { request: { context: 8, contextAlgorithm: ring(4) } }],
    ["acknowledged hybrid", { request: { context: 8, contextAlgorithm: hybrid(2, 2) } }],
    [
      "ring where it works",
      { request: { context: 8, contextAlgorithm: ring(1, false) }, model: { isRingWorking: true } },
    ],
    ["a global batch of 16", { batch: { micro: 1, global: 16 } }],
    [
      "a model without captions and clips",
      {
        request: { context: 3 },
        npusPerNode: 6,
        model: { attentionHeads: 12, captionLength: 512 * 3, latentFrames: [21] },
      },
    ],
    ["FSDP2 with two connections", { request: { context: 2 }, run: { sharding: "fsdp2", deviceConnections: "2" } }],
  ])("accept %s", (_, change) => {
    expect(errors(change)).toEqual([]);
  });

  it("keep quiet about notes, which say what the framework does anyway", () => {
    expect(layoutFindings(question({})).map(({ severity }) => severity)).toEqual(["note"]);
    expect(layoutProblems(question({}))).toEqual([]);
  });

  it("leave clip lengths to the frame filter: autoencoder groups of 8 fit all clips that context 8 leaves", () => {
    expect(errors({ request: { vaeContext: 8 } })).toEqual(["vae-context-frames-divide"]);
    expect(errors({ request: { vaeContext: 8, context: 8 } })).toEqual([]);
  });
});

describe("latent frames", () => {
  it("follow from the guide's clips", () => {
    expect(model.latentFrames).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
    expect(latentFrameChoices(93, 93, 4)).toEqual([24]);
    expect(latentFrameChoices(30, 32, 4)).toEqual([]);
  });
});
