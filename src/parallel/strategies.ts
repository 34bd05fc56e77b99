/** Which strategies a request switches on, what they are called, and which settings belong to them. */
import { type LayoutRule, type Setting, type Strategy, strategies } from "./facts.ts";
import { list, type ParallelRequest } from "./layout.ts";

/** One strategy: its name in messages, the key that a user writes, and when it is on. */
interface StrategyFacts {
  readonly title: string;
  readonly setting: Setting | "sequence";
  readonly isOn: (request: ParallelRequest) => boolean;
}

/** The strategies by name. */
export const strategyFacts: Readonly<Record<Strategy, StrategyFacts>> = {
  tensor: { title: "tensor parallelism", setting: "tensor", isOn: ({ tensor }) => tensor > 1 },
  sequence: {
    title: "sequence parallelism",
    setting: "sequence",
    isOn: ({ sequence, tensor }) => sequence && tensor > 1,
  },
  ulysses: {
    title: "Ulysses context parallelism",
    setting: "context",
    isOn: ({ context, contextAlgorithm }) => context > 1 && contextAlgorithm.kind === "ulysses",
  },
  ring: {
    title: "ring or hybrid context parallelism",
    setting: "contextAlgorithm",
    isOn: ({ contextAlgorithm }) => contextAlgorithm.kind !== "ulysses",
  },
  pipeline: { title: "pipeline parallelism", setting: "pipeline", isOn: ({ pipeline }) => pipeline > 1 },
  virtualPipeline: {
    title: "virtual pipelining",
    setting: "virtualPipeline",
    isOn: ({ virtualPipeline }) => virtualPipeline > 1,
  },
  vaeContext: {
    title: "context parallelism of the autoencoder",
    setting: "vaeContext",
    isOn: ({ vaeContext }) => vaeContext > 1,
  },
  encoderData: {
    title: "data parallelism of the encoders",
    setting: "encoderData",
    isOn: ({ encoderData }) => encoderData,
  },
  encoderOffload: {
    title: "encoder offload",
    setting: "encoderOffloadInterval",
    isOn: ({ encoderOffloadInterval }) => encoderOffloadInterval > 1,
  },
  dynamicContext: {
    title: "dynamic data and context parallelism",
    setting: "dynamicContext",
    isOn: ({ dynamicContext }) => dynamicContext !== undefined,
  },
};

/** The strategies that a request switches on. */
export const activeStrategies = (request: ParallelRequest): readonly Strategy[] =>
  strategies.filter((strategy) => strategyFacts[strategy].isOn(request));

const unsupported = (request: ParallelRequest, supported: readonly Strategy[] | undefined): readonly Strategy[] =>
  supported === undefined ? [] : activeStrategies(request).filter((strategy) => !supported.includes(strategy));

/** The recipe must know how to start a strategy; otherwise the setting would do nothing. */
export const strategySupported: LayoutRule = {
  name: "strategy-supported",
  severity: "error",
  source: "the recipe's own list, from the feature table in MM README.md",
  mendedBy: [
    ...["tensor", "pipeline", "virtualPipeline", "context", "contextAlgorithm"],
    ...["dynamicContext", "vaeContext", "encoderData", "encoderOffloadInterval"],
  ] as readonly Setting[],
  isBroken: ({ request, model }) => unsupported(request, model.strategies).length > 0,
  finding: ({ request, model }) => {
    const missing = unsupported(request, model.strategies);
    const first = missing[0];
    return {
      path: ["parallel", ...(first === undefined ? [] : [strategyFacts[first].setting])],
      what: `this recipe does not support ${list(missing.map((strategy) => strategyFacts[strategy].title))}`,
      got: list(missing.map((strategy) => strategyFacts[strategy].setting)),
      allowed: list((model.strategies ?? []).map((strategy) => strategyFacts[strategy].title)),
    };
  },
};
