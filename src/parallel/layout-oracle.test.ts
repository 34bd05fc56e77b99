/**
 * The rules against a second reading of upstream: groups are formed rank by rank, clips are cut length by length and layers are dealt
 * out one by one, as the framework would do it, instead of by the rules' divisions.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { anyQuestion } from "../../tests/layout-questions.ts";
import type { LayoutQuestion } from "./facts.ts";
import { layoutFindings, layoutRules, nearestLayouts } from "./rules.ts";

const upTo = (end: number): readonly number[] => Array.from({ length: Math.max(0, end) }, (_, index) => index);
const splits = (total: number, parts: number): boolean => Number.isInteger(total / parts);

/** Context parallel sizes as the framework lists them: a list of [data, context], halved from step to step. */
function strategyList({ request, nodes, npusPerNode }: LayoutQuestion): readonly (readonly [number, number])[] {
  const ranks = Math.floor((nodes * npusPerNode) / (request.tensor * request.pipeline));
  const top = Math.min(ranks, request.dynamicContext?.maximumContext ?? 1);
  return upTo(Math.floor(Math.log2(Math.max(1, top))) + 1).map((power) => [Math.floor(ranks / 2 ** power), 2 ** power]);
}

function batchBreaks(question: LayoutQuestion, data: number): readonly string[] {
  const { request, batch, nodes, npusPerNode } = question;
  const { pipeline, virtualPipeline, dynamicContext } = request;
  const isWorldWhole = Number.isInteger(data);
  const unit = batch.micro * data;
  const globalBatch = batch.global ?? unit * (batch.accumulation ?? 1);
  const isWhole = isWorldWhole && globalBatch >= unit && splits(globalBatch, unit);
  const rounds = batch.global === undefined ? (batch.accumulation ?? 1) : isWhole ? batch.global / unit : undefined;
  const ranks = (nodes * npusPerNode) / (request.tensor * pipeline);
  const broken: string[] = isWorldWhole ? [] : ["world-size-divides"];
  if (isWorldWhole && !isWhole) broken.push("global-batch-divides");
  if (rounds !== undefined && virtualPipeline > 1 && !splits(rounds, pipeline))
    broken.push("virtual-microbatches-divide");
  if (dynamicContext === undefined || !isWorldWhole) return broken;
  if (!splits(globalBatch, batch.micro * ranks)) broken.push("dynamic-context-batch-divides");
  if (strategyList(question).some(([replicas, context]) => replicas * context !== ranks))
    broken.push("dynamic-context-world-divides");
  return broken;
}

function contextBreaks(question: LayoutQuestion): readonly string[] {
  const { request, model, nodes, npusPerNode } = question;
  const { tensor, context, contextAlgorithm: algorithm, dynamicContext } = request;
  const ranks = (nodes * npusPerNode) / (tensor * request.pipeline);
  const sizes = [
    context,
    ...(dynamicContext === undefined || ranks < 1 ? [] : strategyList(question).map(([, size]) => size)),
  ];
  const localHeads = model.attentionHeads / tensor;
  const isHeadless = (size: number): boolean =>
    !Number.isInteger(localHeads) || (algorithm.kind === "ulysses" && !splits(localHeads, size));
  const filter = dynamicContext?.maximumContext ?? context;
  const caption = model.captionLength;
  const broken: string[] = [];
  if (sizes.some(isHeadless)) broken.push("heads-divide");
  if (context > 1 && !splits(model.sequenceLength, 2 * context)) broken.push("sequence-divides");
  if (caption !== undefined && sizes.some((size) => !splits(caption, size))) broken.push("caption-divides");
  if (model.latentFrames !== undefined && !model.latentFrames.some((frames) => splits(frames, filter)))
    broken.push("latent-frames-divide");
  if (dynamicContext !== undefined) {
    if (algorithm.kind !== "ulysses") broken.push("dynamic-context-needs-ulysses");
    if (!upTo(10).some((power) => 2 ** power === dynamicContext.maximumContext))
      broken.push("dynamic-context-power-of-two");
  }
  return broken;
}

function ringBreaks({ request, model }: LayoutQuestion): readonly string[] {
  const { tensor, context, contextAlgorithm: algorithm } = request;
  const broken: string[] = [];
  if (algorithm.kind === "ulysses") return broken;
  if (context === 1) broken.push("ring-needs-context");
  if (model.isRingWorking !== true && !algorithm.acknowledgeBroken) broken.push("broken-algorithm-acknowledged");
  const degree = algorithm.kind === "hybrid" ? algorithm.ulyssesDegree : 1;
  const circle = context / degree;
  const isCircle = Number.isInteger(circle) && circle > 1;
  if (algorithm.kind === "hybrid" && context > 1 && !(isCircle && splits(model.attentionHeads, degree * tensor)))
    broken.push("ulysses-degree-divides");
  if (isCircle && !(algorithm.windowSize < circle && splits(circle, algorithm.windowSize)))
    broken.push("ring-window-divides");
  return broken;
}

/** Deals the layers out to stages and chunks, and looks whether each stage got some and none is left over. */
function pipelineBreaks({ request, model, run }: LayoutQuestion): readonly string[] {
  const { pipeline, virtualPipeline, layersPerStage, vaeContext, encoderData } = request;
  const broken: string[] = [];
  if (virtualPipeline > 1 && (run?.overlapsPointToPoint === false ? pipeline <= 2 : pipeline === 1))
    broken.push("virtual-needs-pipeline");
  if (pipeline === 1) return broken;
  if (vaeContext > 1) broken.push("pipeline-without-vae-context");
  if (encoderData) broken.push("pipeline-without-encoder-data");
  if (run?.autoencoderType === "fp32") broken.push("autoencoder-type-with-pipeline");
  if (layersPerStage === undefined) {
    if (pipeline * virtualPipeline > model.layers) broken.push("stage-layers-positive");
    return broken;
  }
  const chunks = layersPerStage.map((entry) => (typeof entry === "number" ? [entry] : entry));
  const lists = layersPerStage.every((entry) => typeof entry === "number") ? [chunks.flat()] : chunks;
  if (lists.length !== virtualPipeline) broken.push("virtual-chunks-match");
  if (lists.some((chunk) => chunk.length !== pipeline)) broken.push("stage-count-matches");
  let next = 0;
  for (const chunk of lists) for (const count of chunk) next += count;
  if (next !== model.layers) broken.push("stage-layers-sum");
  if (lists.flat().includes(0)) broken.push("stage-layers-positive");
  return broken;
}

/** Whether no group of consecutive ranks holds only a part of each of two samples. */
function areGroupsWhole(world: number, group: number, sample: number): boolean {
  for (let first = 0; first < world; first += group) {
    const members = upTo(Math.min(group, world - first)).map((offset) => first + offset);
    const samples = new Set(members.map((rank) => Math.floor(rank / sample)));
    if (samples.size > 1 && members.length !== samples.size * sample) return false;
  }
  return true;
}

/** The longest prefix of a clip that the frame filter takes; -1 when there is none. */
function takenFrames(available: number, minimum: number, stride: number, context: number): number {
  for (let frames = available; frames >= minimum; frames -= 1) {
    if ((frames - 1) % stride === 0 && ((frames - 1) / stride + 1) % context === 0) return frames;
  }
  return -1;
}

function encoderBreaks(question: LayoutQuestion): readonly string[] {
  const { request, model, run, nodes, npusPerNode } = question;
  const { vaeContext, encoderData, encoderOffloadInterval: interval, dynamicContext } = request;
  const world = nodes * npusPerNode;
  const sample = request.tensor * request.pipeline * request.context;
  const lengths = (model.latentFrames ?? []).map((latent) => (latent - 1) * (model.temporalStride ?? 1) + 1);
  const [shortest = 0, longest = -1] = [Math.min(...lengths), Math.max(...lengths)];
  const clips = upTo(longest - shortest + 1)
    .map((more) =>
      takenFrames(
        shortest + more,
        shortest,
        model.temporalStride ?? 1,
        dynamicContext?.maximumContext ?? request.context,
      ),
    )
    .filter((frames) => frames > 0);
  const broken: string[] = [];
  if (!splits(world, vaeContext)) broken.push("vae-context-world-divides");
  // Over a world of whole samples and whole groups, so that only the fit of the two is judged.
  if (!areGroupsWhole(vaeContext * sample, vaeContext, sample)) broken.push("vae-context-groups-fit");
  if (model.temporalStride !== undefined && clips.some((frames) => !splits(frames + 3, vaeContext)))
    broken.push("vae-context-frames-divide");
  if (encoderData && run?.resolution === "dynamic") broken.push("encoder-data-needs-static");
  if (encoderData && vaeContext > 1) broken.push("vae-context-without-encoder-data");
  if (encoderData && dynamicContext !== undefined) broken.push("encoder-data-without-dynamic-context");
  if (interval > 1 && dynamicContext !== undefined) broken.push("encoder-offload-without-dynamic-context");
  const saves = run?.saveInterval;
  if (saves !== undefined && upTo(interval).some((save) => ((save + 1) * saves) % interval !== 0))
    broken.push("offload-interval-divides-saves");
  return broken;
}

/** Names of all rules that upstream's own code, or its silence, would break. */
function expected(question: LayoutQuestion): readonly string[] {
  const { request, nodes, npusPerNode } = question;
  const model = request.tensor * request.pipeline * request.context;
  const data = (nodes * npusPerNode) / model;
  return [
    ...batchBreaks(question, data),
    ...contextBreaks(question),
    ...ringBreaks(question),
    ...pipelineBreaks(question),
    ...encoderBreaks(question),
  ];
}

const errors = (question: LayoutQuestion) => layoutFindings(question).filter(({ severity }) => severity === "error");

it("accepts what upstream would run, and names every rule that a refused layout breaks", { timeout: 120_000 }, () => {
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(anyQuestion, (question) => {
      const names = errors(question).map(({ rule }) => rule);
      expect(names.toSorted()).toEqual(expected(question).toSorted());
      if (names.length === 0) accepted += 1;
      else refused += 1;
    }),
    { numRuns: 10_000 },
  );
  expect(accepted).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(2000);
});

it("suggests at most three changes, all of them accepted, cheapest first", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(anyQuestion, (question) => {
      const suggestions = nearestLayouts(question);
      const isRefused = expected(question).length > 0;
      expect(suggestions.length > 0).toBe(isRefused);
      expect(suggestions.length).toBeLessThanOrEqual(3);
      expect(new Set(suggestions.map(({ text }) => text)).size).toBe(suggestions.length);
      expect(suggestions.map(({ cost }) => cost)).toEqual(
        suggestions.map(({ cost }) => cost).toSorted((a, b) => a - b),
      );
      for (const suggestion of suggestions) {
        expect(expected(suggestion.question), suggestion.text).toEqual([]);
        expect(errors(suggestion.question), suggestion.text).toEqual([]);
      }
    }),
    { numRuns: 1500 },
  );
});

it("gives each finding a rule, a place, what was got and what is allowed", () => {
  const known = layoutRules.map(({ name }) => name);
  fc.assert(
    fc.property(anyQuestion, (question) => {
      for (const finding of layoutFindings(question)) {
        expect(known).toContain(finding.rule);
        expect(finding.path.length).toBeGreaterThan(0);
        const words = [finding.what, finding.got, finding.allowed, ...finding.nearest];
        for (const text of words) expect(text).not.toMatch(/^$|NaN|undefined|Infinity|\.\d{3}/);
      }
    }),
    { numRuns: 2000 },
  );
});
