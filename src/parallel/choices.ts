/** Other values that each setting could take: the small discrete space in which suggestions are sought. */
import { type LayoutQuestion, type Setting, settings } from "./facts.ts";
import {
  type BatchRequest,
  type ContextAlgorithm,
  divisors,
  type ParallelRequest,
  type StageLayers,
} from "./layout.ts";

/** One other value of a setting. */
export interface Choice {
  readonly setting: Setting;
  /** As a user would write it, e.g. `tensor 2`. */
  readonly text: string;
  /** How large the change is: 1 and a part for the distance. */
  readonly cost: number;
  /** Whether it is the value that no rule minds by itself: off, or 1. */
  readonly isSimplest: boolean;
  readonly change: { readonly request: Partial<ParallelRequest> } | { readonly batch: Partial<BatchRequest> };
}

/** A question with some choices taken. The search does nothing as often as this, so it copies once. */
export function applied(question: LayoutQuestion, choices: readonly Choice[]): LayoutQuestion {
  const request = { ...question.request };
  const batch = { ...question.batch };
  for (const { change } of choices) {
    if ("request" in change) Object.assign(request, change.request);
    else Object.assign(batch, change.batch);
  }
  return { ...question, request, batch };
}

/** Distance of two counts: doublings between them, at most a large part of one change. */
const distance = (from: number, to: number): number => Math.min(0.9, 0.15 * Math.abs(Math.log2(to / from)));

/** A few nearest counts without the current one, and 1. */
function nearest(current: number, counts: readonly number[], limit: number): readonly number[] {
  const others = [...new Set(counts)]
    .filter((count) => count !== current)
    .map((count) => ({ count, far: distance(current, count) }))
    .sort((left, right) => left.far - right.far || left.count - right.count);
  return others.filter(({ count }, index) => index < limit || count === 1).map(({ count }) => count);
}

type Count = "tensor" | "pipeline" | "virtualPipeline" | "context" | "vaeContext" | "encoderOffloadInterval";

const countChoices = (question: LayoutQuestion, setting: Count, counts: readonly number[]): readonly Choice[] => {
  const current = question.request[setting];
  return nearest(current, counts, 8).map((count) => ({
    setting,
    text: `${setting} ${count}`,
    cost: 1 + distance(current, count),
    isSimplest: count === 1,
    change: { request: { [setting]: count } },
  }));
};

const batchChoices = (setting: keyof BatchRequest, current: number, counts: readonly number[]): readonly Choice[] =>
  nearest(current, counts, 64).map((count) => ({
    setting,
    text: `batch.${setting} ${count}`,
    cost: 1 + distance(current, count),
    isSimplest: count === 1,
    change: { batch: { [setting]: count } },
  }));

/** The next multiples of a unit below and above a count. */
const around = (count: number, unit: number): readonly number[] => {
  const below = Math.floor(count / unit) * unit;
  return below === 0 ? [unit] : [below, below + unit];
};

const powers = (largest: number): readonly number[] =>
  Array.from({ length: Math.floor(Math.log2(largest)) + 1 }, (_, power) => 2 ** power);

function algorithmChoices({ request }: LayoutQuestion): readonly Choice[] {
  const current = request.contextAlgorithm;
  if (current.kind === "ulysses") return [];
  const choice = (text: string, cost: number, contextAlgorithm: ContextAlgorithm): Choice => ({
    setting: "contextAlgorithm",
    text,
    cost,
    isSimplest: contextAlgorithm.kind === "ulysses",
    change: { request: { contextAlgorithm } },
  });
  const key = "contextAlgorithm";
  const windows = powers(16).filter((windowSize) => windowSize !== current.windowSize);
  const other = windows.map((windowSize) =>
    choice(`${key}.windowSize ${windowSize}`, 1 + distance(current.windowSize, windowSize), { ...current, windowSize }),
  );
  const degrees =
    current.kind === "ring"
      ? []
      : powers(16)
          .filter((ulyssesDegree) => ulyssesDegree !== current.ulyssesDegree)
          .flatMap((ulyssesDegree) => {
            const cost = 1.05 + distance(current.ulyssesDegree, ulyssesDegree);
            return [
              choice(`${key}.ulyssesDegree ${ulyssesDegree}`, cost, { ...current, ulyssesDegree }),
              ...windows.map((windowSize) =>
                choice(
                  `${key}.ulyssesDegree ${ulyssesDegree} and ${key}.windowSize ${windowSize}`,
                  1 + cost + distance(current.windowSize, windowSize),
                  { ...current, ulyssesDegree, windowSize },
                ),
              ),
            ];
          });
  return [...other, ...degrees, choice(`${key}.kind ulysses`, 1.6, { kind: "ulysses" })];
}

function dynamicChoices({ request }: LayoutQuestion): readonly Choice[] {
  const { dynamicContext } = request;
  if (dynamicContext === undefined) return [];
  const sizes = nearest(dynamicContext.maximumContext, powers(16), 5).map(
    (maximumContext): Choice => ({
      setting: "dynamicContext",
      text: `dynamicContext.maximumContext ${maximumContext}`,
      cost: 1 + distance(dynamicContext.maximumContext, maximumContext),
      isSimplest: false,
      change: { request: { dynamicContext: { ...dynamicContext, maximumContext } } },
    }),
  );
  const off = { request: { dynamicContext: undefined } };
  return [...sizes, { setting: "dynamicContext", text: "no dynamicContext", cost: 1.9, isSimplest: true, change: off }];
}

const given = (layers: StageLayers): number => (Array.isArray(layers[0]) ? layers.length : 1);

function sizeChoices(question: LayoutQuestion): readonly Choice[] {
  const { request, model, run, nodes, npusPerNode } = question;
  const ranks = divisors(nodes * npusPerNode);
  const isEven = (size: number): boolean =>
    size === 1 || (model.sequenceLength % (2 * size) === 0 && (model.captionLength ?? size) % size === 0);
  const saves = run?.saveInterval;
  return [
    ...countChoices(
      question,
      "tensor",
      ranks.filter((size) => model.attentionHeads % size === 0),
    ),
    ...countChoices(
      question,
      "pipeline",
      ranks.filter((size) => size <= model.layers),
    ),
    ...countChoices(question, "virtualPipeline", [
      ...[1, 2, 4],
      ...(request.layersPerStage === undefined ? [] : [given(request.layersPerStage)]),
    ]),
    ...countChoices(question, "context", ranks.filter(isEven)),
    ...countChoices(
      question,
      "vaeContext",
      ranks.filter((size) => size <= 64),
    ),
    ...countChoices(question, "encoderOffloadInterval", saves === undefined ? [1] : [1, ...divisors(saves)]),
  ];
}

function batchSizeChoices({ request, batch, nodes, npusPerNode }: LayoutQuestion): readonly Choice[] {
  const ranks = divisors(nodes * npusPerNode);
  const micro = batchChoices("micro", batch.micro, divisors(batch.micro));
  if (batch.global !== undefined) {
    const { global } = batch;
    return [
      ...micro,
      ...batchChoices(
        "global",
        global,
        ranks.flatMap((rank) => around(global, batch.micro * rank)),
      ),
    ];
  }
  const accumulation = batch.accumulation ?? 1;
  const units = ranks.filter((rank) => rank <= Math.max(request.pipeline, request.context, 8));
  return [
    ...micro,
    ...batchChoices(
      "accumulation",
      accumulation,
      units.flatMap((unit) => around(accumulation, unit)),
    ),
  ];
}

/** Every other value of every setting, by rising cost. Strategies that are off are not suggested. */
export function choicesOf(question: LayoutQuestion): Readonly<Record<Setting, readonly Choice[]>> {
  const { request } = question;
  const all: readonly Choice[] = [
    ...sizeChoices(question),
    ...(request.layersPerStage === undefined
      ? []
      : [
          {
            setting: "layersPerStage" as const,
            text: "no layersPerStage (an even split)",
            cost: 1.4,
            isSimplest: true,
            change: { request: { layersPerStage: undefined } },
          },
        ]),
    ...algorithmChoices(question),
    ...dynamicChoices(question),
    ...(request.encoderData
      ? [
          {
            setting: "encoderData" as const,
            text: "encoderData false",
            cost: 1.4,
            isSimplest: true,
            change: { request: { encoderData: false } },
          },
        ]
      : []),
    ...batchSizeChoices(question),
  ];
  const sorted = [...all].sort((left, right) => left.cost - right.cost);
  const groups = settings.map((setting) => [setting, sorted.filter((choice) => choice.setting === setting)]);
  return Object.fromEntries(groups) as Record<Setting, Choice[]>;
}
