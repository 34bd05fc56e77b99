import { describe, expect, it } from "vitest";
import { type PlanDocument, planDocument } from "../../src/cli/plan-document.ts";
import type { Environment } from "../../src/config/schema.ts";
import { planEnvironment } from "../../src/pipeline/pipeline.ts";
import {
  type GuideStack,
  guideStacks,
  type UpstreamDifference,
  upstreamDifferences,
} from "../../src/recipes/opensoraplan13/upstream-differences.ts";
import { planStack } from "../../src/stack.ts";
import { projectFolder } from "../stacks.ts";
import { scripts } from "./arguments.ts";
import { fileFields, staticTextData } from "./fields.ts";

/** Every stack of the guide against upstream's script: arguments in order, environment, and each field of each file. */

type Stage = PlanDocument["stages"][number];

/** The stage that stands for the script: the last one of the stack. */
function stageOf(stack: GuideStack): Stage {
  const { plan } = planStack(projectFolder, stack);
  const stage = planDocument(stack, { plan, objects: [] }, []).stages.at(-1);
  if (stage === undefined) throw new Error(`${stack} plans no stage`);
  return stage;
}

const stages = Object.fromEntries(guideStacks.map((stack) => [stack, stageOf(stack)])) as Record<GuideStack, Stage>;

/** Words of a command as pairs of option and value; a flag's value is `undefined`, a program's name is its own option. */
function pairs(words: readonly string[]): readonly (readonly [string, string | undefined])[] {
  return words.flatMap((word, index): readonly (readonly [string, string | undefined])[] => {
    const isValue = words[index - 1]?.startsWith("--") === true && !word.startsWith("--");
    const next = words[index + 1];
    const takesNext = word.startsWith("--") && next !== undefined && !next.startsWith("--");
    return isValue ? [] : [[word, takesNext ? next : undefined]];
  });
}

/** Leaves of a JSON document by dotted path; lists and empty maps are leaves. */
function leaves(value: unknown, path: string): readonly (readonly [string, string])[] {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value) : [];
  return entries.length === 0
    ? [[path, JSON.stringify(value)]]
    : entries.flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

const fileKinds = { "--mm-model": "model", "--mm-data": "data", "--mm-tool": "tool" } as const;

function fieldsOf(stage: Stage): Readonly<Record<string, string>> {
  const named = pairs(stage.argv).flatMap(([option, path]) => {
    const kind = fileKinds[option as keyof typeof fileKinds];
    return kind === undefined || path === undefined ? [] : [[kind, path] as const];
  });
  return Object.fromEntries(named.flatMap(([kind, path]) => leaves(JSON.parse(stage.files[path] ?? ""), kind)));
}

const differencesOf = (stack: GuideStack, kind: UpstreamDifference["kind"]): readonly UpstreamDifference[] =>
  upstreamDifferences.filter((difference) => difference.kind === kind && difference.stacks.includes(stack));

/** Checks the listed differences, and that each is one; returns their names. */
function admit(
  differences: readonly UpstreamDifference[],
  upstream: ReadonlyMap<string, string | undefined>,
  here: ReadonlyMap<string, string | undefined>,
): ReadonlySet<string> {
  for (const difference of differences) {
    expect([difference.name, upstream.get(difference.name)]).toEqual([difference.name, difference.upstream]);
    expect(here.has(difference.name)).toBe(difference.here !== undefined);
    if (difference.here !== undefined) expect(here.get(difference.name)).toMatch(difference.here);
    expect(here.get(difference.name)).not.toBe(upstream.get(difference.name));
  }
  return new Set(differences.map(({ name }) => name));
}

describe.each(guideStacks)("%s", (stack) => {
  it("has upstream's arguments in upstream's order, but for the listed ones", () => {
    const upstream = pairs(scripts[stack].words);
    const here = pairs(stages[stack].argv);
    const listed = admit(differencesOf(stack, "argument"), new Map(upstream), new Map(here));
    const rest = (all: typeof here) => all.filter(([option]) => !listed.has(option));
    expect(rest(here)).toEqual(rest(upstream));
    expect(new Set(here.map(([option]) => option)).size).toBe(here.length);
  });

  it("has upstream's environment, but for the listed variables", () => {
    const upstream = new Map<string, string | undefined>(Object.entries(scripts[stack].variables));
    const here = new Map<string, string | undefined>(Object.entries(stages[stack].environment));
    const listed = admit(differencesOf(stack, "variable"), upstream, here);
    const rest = (all: ReadonlyMap<string, unknown>) =>
      Object.fromEntries([...all].filter(([name]) => !listed.has(name)));
    expect(rest(here)).toEqual(rest(upstream));
  });

  it("has every field of upstream's files and no other, but for the listed ones", () => {
    const upstream = new Map<string, string | undefined>(Object.entries(fileFields[stack]));
    const here = new Map<string, string | undefined>(Object.entries(fieldsOf(stages[stack])));
    const listed = admit(differencesOf(stack, "field"), upstream, here);
    const rest = (all: ReadonlyMap<string, unknown>) =>
      Object.fromEntries([...all].filter(([name]) => !listed.has(name)));
    expect(rest(here)).toEqual(rest(upstream));
  });

  it("holds every file that its command and its files name", () => {
    const { argv, files } = stages[stack];
    const named = [...argv, ...Object.values(files)].join("\n").match(/\/etc\/ascend-stacks\/[\w.]+/g) ?? [];
    expect([...new Set(named)].sort()).toEqual(Object.keys(files).sort());
  });
});

it("has the fields of the guide's static resolution too", () => {
  const { environment } = planStack(projectFolder, "guide-t2v-pretrain").plan;
  const run = environment.runs.t2v;
  const changed = { ...environment, runs: { t2v: { ...run, resolution: "static" } } } as Environment;
  const document = planDocument("static", { plan: planEnvironment(changed), objects: [] }, []);
  const stage = document.stages.at(-1);
  if (stage === undefined) throw new Error("no stage");
  expect(stage.argv).toContain("/etc/ascend-stacks/data_static_resolution.json");
  const paths = [
    "data.dataset_param.basic_parameters.data_path",
    "data.dataset_param.tokenizer_config.from_pretrained",
  ];
  const data = (fields: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => name.startsWith("data.") && !paths.includes(name)));
  expect(data(fieldsOf(stage))).toEqual({ ...data(staticTextData), "data.dataset_param.dataset_type": '"t2v"' });
});

it("lists no difference twice for one stack", () => {
  const named = upstreamDifferences.flatMap(({ kind, name, stacks }) =>
    stacks.map((stack) => `${stack} ${kind} ${name}`),
  );
  expect(named).toEqual([...new Set(named)]);
});
