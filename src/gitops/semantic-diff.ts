/**
 * What differs between two plans of one stack, in words: first what people speak of (nodes, global batch, image), then every option,
 * variable and field that a stage's program gets, then the objects.
 */
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import type { EnvironmentPlan, PlannedRun } from "../pipeline/pipeline.ts";
import type { StagePlan } from "../stages/stage-plan.ts";

/** A plan with its objects. */
export interface ComparedPlan {
  readonly plan: EnvironmentPlan;
  readonly objects: readonly PlannedObject[];
}

/** One difference; `before` is absent for what is new, `after` for what is gone. */
export interface SemanticChange {
  /** What it belongs to: `environment`, `run t2v`, `run t2v, stage pretrain`, `objects`. */
  readonly scope: string;
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

type Facts = ReadonlyMap<string, string>;

/** Options whose values are told as part of the layout already. */
const layoutOptions = [
  ...["--tensor-model-parallel-size", "--pipeline-model-parallel-size", "--virtual-pipeline-model-parallel-size"],
  ...["--context-parallel-size", "--micro-batch-size", "--global-batch-size"],
];

function compare(scope: string, before: Facts, after: Facts): readonly SemanticChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name) => {
    const old = before.get(name);
    const next = after.get(name);
    if (old === next) return [];
    return [
      { scope, name, ...(old === undefined ? {} : { before: old }), ...(next === undefined ? {} : { after: next }) },
    ];
  });
}

/** Options of a command with their values; a flag has the value `on`. Words before the first option are one fact. */
function optionFacts(program: readonly string[]): Facts {
  const first = program.findIndex((word) => word.startsWith("--"));
  const end = first === -1 ? program.length : first;
  const facts = new Map<string, string>([["program", program.slice(0, end).join(" ")]]);
  let current: string | undefined;
  for (const word of program.slice(end)) {
    if (word.startsWith("--")) {
      current = word;
      facts.set(word, facts.has(word) ? `${facts.get(word)} and on` : "on");
    } else if (current !== undefined) {
      const known = facts.get(current) ?? "on";
      facts.set(current, known.endsWith("on") ? `${known.slice(0, -2)}${word}` : `${known} ${word}`);
    }
  }
  for (const option of layoutOptions) facts.delete(option);
  return facts;
}

/** Leaves of a JSON text by path; a text that is no JSON is one fact. */
function fileFacts(name: string, content: string): readonly (readonly [string, string])[] {
  const leaves = (value: unknown, path: string): readonly (readonly [string, string])[] => {
    if (value === null || typeof value !== "object") return [[`${name}: ${path}`, JSON.stringify(value)]];
    if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object"))
      return [[`${name}: ${path}`, JSON.stringify(value)]];
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`));
  };
  try {
    return leaves(JSON.parse(content), "");
  } catch {
    return [[name, content.length > 60 ? `${content.slice(0, 57).replaceAll(/\s+/g, " ")}…` : content.trim()]];
  }
}

function stageFacts(stage: StagePlan): Facts {
  const files = Object.entries(stage.files).flatMap(([path, content]) =>
    fileFacts(path.slice(path.lastIndexOf("/") + 1), content),
  );
  const { processorCores, memoryGiB, sharedMemoryGiB } = stage.resources;
  return new Map([
    ...optionFacts(stage.program),
    ...Object.entries(stage.environment).map(([name, value]) => [name, value] as const),
    ...files,
    ["processor cores", String(processorCores)],
    ["memory (GiB)", String(memoryGiB)],
    ["shared memory (GiB)", String(sharedMemoryGiB)],
    ["restarts", String(stage.restarts)],
  ]);
}

function runFacts(run: PlannedRun): Facts {
  const { layout } = run;
  const largest = run.stages.find(({ kind }) => kind === "npu");
  return new Map([
    ["recipe", run.recipe],
    ["stages", run.stages.map(({ stage }) => stage).join(", ")],
    ...(largest === undefined
      ? []
      : ([
          ["nodes", String(largest.nodes)],
          ["NPUs a node", String(largest.npusPerNode)],
        ] as const)),
    ["tensor parallel", String(layout.tensor)],
    ["pipeline parallel", String(layout.pipeline)],
    ["virtual pipeline", String(layout.virtualPipeline)],
    ["context parallel", String(layout.context)],
    ["data parallel", String(layout.data)],
    ["micro batch", String(layout.microBatch)],
    ["microbatches", String(layout.microbatches)],
    ["global batch", String(layout.globalBatch)],
  ]);
}

function environmentFacts({ plan: { environment } }: ComparedPlan): Facts {
  return new Map([
    ["namespace", environment.namespace],
    ["node shape", environment.cluster.nodeShape],
    ["scheduler", environment.cluster.scheduler.kind],
    ["image", JSON.stringify(environment.image)],
  ]);
}

function runChanges(before: ComparedPlan, after: ComparedPlan): readonly SemanticChange[] {
  const names = [...new Set([...before.plan.runs, ...after.plan.runs].map(({ name }) => name))];
  return names.flatMap((name) => {
    const old = before.plan.runs.find((run) => run.name === name);
    const next = after.plan.runs.find((run) => run.name === name);
    const scope = `run ${name}`;
    if (old === undefined) return [{ scope, name: "run", after: "new" }];
    if (next === undefined) return [{ scope, name: "run", before: "there", after: "gone" }];
    const stages = next.stages.flatMap((stage) => {
      const earlier = old.stages.find((candidate) => candidate.stage === stage.stage);
      return earlier === undefined
        ? []
        : compare(`${scope}, stage ${stage.stage}`, stageFacts(earlier), stageFacts(stage));
    });
    return [...compare(scope, runFacts(old), runFacts(next)), ...stages];
  });
}

/** Objects by kind and name, each with its whole content: only whether they differ is told. */
const objectFacts = ({ objects }: ComparedPlan): ReadonlyMap<string, string> =>
  new Map(objects.map(({ manifest }) => [`${manifest.kind} ${manifest.metadata.name}`, JSON.stringify(manifest)]));

function objectChanges(before: ComparedPlan, after: ComparedPlan): readonly SemanticChange[] {
  const old = objectFacts(before);
  const next = objectFacts(after);
  const scope = "objects";
  const gone = [...old.keys()].filter((name) => !next.has(name));
  const fresh = [...next.keys()].filter((name) => !old.has(name));
  const changed = [...next.keys()].filter((name) => old.has(name) && old.get(name) !== next.get(name));
  return [
    ...gone.map((name) => ({ scope, name, before: "there", after: "gone" })),
    ...fresh.map((name) => ({ scope, name, after: "new" })),
    ...changed.map((name) => ({ scope, name, before: "there", after: "changed" })),
  ];
}

/** Every difference between two plans of one stack; empty when they are equal. */
export function semanticChanges(before: ComparedPlan, after: ComparedPlan): readonly SemanticChange[] {
  return [
    ...compare("environment", environmentFacts(before), environmentFacts(after)),
    ...runChanges(before, after),
    ...objectChanges(before, after),
  ];
}

/** A difference on one line: `global batch 8 → 16`. */
export function changeText({ name, before, after }: SemanticChange): string {
  if (before === undefined) return `${name}: ${after === "new" ? "new" : `${after} (new)`}`;
  if (after === undefined) return `${name}: ${before} (gone)`;
  return before === "there" ? `${name}: ${after}` : `${name} ${before} → ${after}`;
}
