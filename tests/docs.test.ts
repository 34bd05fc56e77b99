import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigurationError } from "../src/config/diagnostics.ts";
import { type NodeShapeName, nodeShapeOf, nodeShapes } from "../src/hardware/node-shapes.ts";
import { type ResourcePresetName, resourcePresetOf, resourcePresets } from "../src/hardware/resource-presets.ts";
import { planStackFromEngine } from "../src/stack.ts";
import { projectFolder } from "./stacks.ts";

/**
 * Every page of docs: kept in two languages, its stack files plan, and its commands do what they say. A block of YAML says what it is
 * behind its language: `stack` is a whole stack file, `environment` and `run` are parts that are laid on the stack `local`.
 */

const folder = join(projectFolder, "docs");
const pages = readdirSync(folder).filter((file) => file.endsWith(".md") && !file.endsWith(".zh.md"));

interface Block {
  readonly language: string;
  readonly kind: string;
  readonly text: string;
}

const read = (page: string): string => readFileSync(join(folder, page), "utf8");

/** Fenced blocks of a page; an indented block loses its indentation. */
function blocks(text: string): readonly Block[] {
  return [...text.matchAll(/^( *)```(\w+)(?: (\w+))?\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = "", language = "", kind = "", body = ""]) => ({
      language,
      kind,
      text: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }),
  );
}

const commandsOf = (text: string): readonly string[] =>
  blocks(text)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text: body }) => body.trim().split("\n"));

/** Commands that need a cluster, an engine or a registry: what they do is shown by the named end-to-end test. */
const shownElsewhere: Readonly<Record<string, string>> = {
  "helm install": "charts/charts.e2e.test.ts",
  "npx ascend bundle ": "src/cli/bundle-command.test.ts",
  "npx ascend image ": "src/cli/image-command.test.ts",
  "make ": "tests/end-to-end/readme.e2e.test.ts",
  "npx ascend status local --watch": "tests/end-to-end/watch.e2e.test.ts",
  "npx ascend status ": "tests/end-to-end/environment.e2e.test.ts",
  "npx ascend stop ": "tests/end-to-end/run-control.e2e.test.ts",
  "npx ascend resume ": "tests/end-to-end/run-control.e2e.test.ts",
  "npx ascend retire ": "tests/end-to-end/run-control.e2e.test.ts",
  "npx ascend plan local --diff": "tests/end-to-end/run-control.e2e.test.ts",
  "pulumi stack init ": "tests/end-to-end/environment.e2e.test.ts",
  "pulumi up": "tests/end-to-end/environment.e2e.test.ts",
  "pulumi destroy ": "tests/end-to-end/environment.e2e.test.ts",
};

const elsewhere = (command: string): string | undefined =>
  Object.entries(shownElsewhere).find(([start]) => command.startsWith(start))?.[1];

/** A part of an environment laid on the stack `local`, as `extends` would do it. */
function laidOnLocal(kind: string, text: string): unknown {
  const local = parse(readFileSync(join(projectFolder, "stacks", "Pulumi.local.yaml"), "utf8")).config[
    "ascend-stacks:environment"
  ];
  const [runName = ""] = Object.keys(local.runs);
  const part: unknown = parse(text);
  return merged(local, kind === "run" ? { runs: { [runName]: part } } : part);
}

function merged(under: unknown, over: unknown): unknown {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isMap(under) || !isMap(over)) return over;
  return Object.fromEntries(
    [...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => [
      key,
      key in over ? merged(under[key], over[key]) : under[key],
    ]),
  );
}

describe.each(pages)("docs/%s", (page) => {
  const text = read(page);
  const chinese = page.replace(/\.md$/, ".zh.md");

  it("is kept in Chinese too, with the same sections, blocks and links", () => {
    expect(existsSync(join(folder, chinese))).toBe(true);
    const other = read(chinese);
    const headings = (of: string): readonly number[] =>
      [...of.matchAll(/^(#+) /gm)].map((match) => match[1]?.length ?? 0);
    expect(headings(other)).toEqual(headings(text));
    const withoutRemarks = (of: string) =>
      blocks(of).map((block) => ({ ...block, text: block.text.replaceAll(/ *#.*$/gm, "") }));
    expect(withoutRemarks(other)).toEqual(withoutRemarks(text));
  });

  it("links to files that exist", () => {
    for (const source of [text, read(chinese)])
      for (const [, target = ""] of source.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g))
        expect(existsSync(join(folder, target)), target).toBe(true);
  });

  const yamlBlocks = blocks(text).filter(({ language }) => language === "yaml");
  it.each(yamlBlocks.map((block, index) => [index + 1, block] as const))(
    "YAML block %d plans",
    (_, { kind, text: body }) => {
      expect(["stack", "environment", "run"]).toContain(kind);
      const filled = body.replaceAll("<digest>", "0".repeat(64));
      const environment: unknown =
        kind === "stack" ? parse(filled)?.config?.["ascend-stacks:environment"] : laidOnLocal(kind, filled);
      try {
        planStackFromEngine(projectFolder, "example", environment);
      } catch (error) {
        if (error instanceof ConfigurationError) throw new Error(error.message);
        throw error;
      }
    },
  );

  const commands = commandsOf(text);
  describe.runIf(commands.length > 0)("commands", () => {
    let work: string;
    beforeAll(() => {
      work = mkdtempSync(join(tmpdir(), "ascend-docs-"));
    });
    afterAll(() => rmSync(work, { recursive: true, force: true }));

    it.each(commands.map((command) => [command]))("`%s` does what it says", (command) => {
      const other = elsewhere(command);
      if (other !== undefined) {
        expect(existsSync(join(projectFolder, other)), `${other} shows it`).toBe(true);
        return;
      }
      expect(command, "a command that no test runs").toMatch(/^npx ascend (plan|render|diff|gitops) /);
      const words = command.replace("npx ascend ", "").split(" ");
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(projectFolder, "bin", "ascend.mjs"), ...words],
        {
          cwd: work,
          encoding: "utf8",
        },
      );
      expect(status, stderr).toBe(0);
      expect(stdout.length).toBeGreaterThan(0);
    });
  });
});

/**
 * Sections of upstream's guide (OpenSoraPlan1.3.1, MindSpeed-MM 26.0.0) in its order, each with the setting or stage that our map must
 * name for it; none where nothing is written.
 */
const guideSections: readonly (readonly [section: string, setting?: string])[] = [
  ["版本说明"],
  ["环境安装", "image.reference"],
  ["仓库拉取"],
  ["环境搭建", "image.environmentScripts"],
  ["Decord搭建"],
  ["权重下载及转换", "runs.*.sources"],
  ["权重下载", "download"],
  ["权重转换", "convertDit"],
  ["数据集准备及处理", "runs.*.dataset"],
  ["数据集下载"],
  ["数据集处理", "prepareDataset"],
  ["预训练", "pretrain"],
  ["准备工作", "runs.*.stages"],
  ["配置参数", "runs.*.training"],
  ["并行化配置参数", "runs.*.parallel"],
  ["CP", "runs.*.parallel.context"],
  ["TP", "runs.*.parallel.tensor"],
  ["SP", "runs.*.parallel.sequence"],
  ["PP", "runs.*.parallel.pipeline"],
  ["VP", "runs.*.parallel.virtualPipeline"],
  ["VAE-CP", "runs.*.parallel.vaeContext"],
  ["Encoder-DP", "runs.*.parallel.encoderData"],
  ["Encoder Interleaved Offload", "runs.*.parallel.encoderOffloadInterval"],
  ["DiT-RingAttention", "runs.*.parallel.contextAlgorithm"],
  ["DiT-USP", "runs.*.parallel.contextAlgorithm"],
  ["动态/固定分辨率", "runs.*.resolution"],
  ["单机运行"],
  ["多机运行"],
  ["启动预训练"],
  ["推理", "inference"],
  ["准备工作", "runs.*.inference.weights"],
  ["配置参数", "runs.*.inference.prompts"],
  ["启动推理"],
  ["环境变量声明", "runs.*.environmentVariables"],
];

describe.each(["guide.md", "guide.zh.md"])("the map of upstream's guide, docs/%s", (page) => {
  const rows = [...read(page).matchAll(/^\| (.*) \|$/gm)].slice(2).map(([, row = ""]) => row.split(" | "));

  it("has a row for each section, in the guide's order", () => {
    const sections = rows.map(([section = ""]) => section.replace(/ \([^)]*\)$/, ""));
    expect(sections).toEqual(guideSections.map(([section]) => section));
  });

  it.each(guideSections)("says for %s what to write and where it is described", (section, setting) => {
    const row = rows[guideSections.findIndex((entry) => entry[0] === section && entry[1] === setting)];
    expect(row?.[2]).toMatch(/\]\(\S+\.md\)/);
    if (setting === undefined) return;
    expect(row?.[1]).toContain(`\`${setting.replace("runs.*.", "")}\``);
    const reference = read("reference/configuration.md");
    const isStage = reference.includes(`\`${setting}\``);
    const isSetting = new RegExp(`^\\| \`${setting.replace("runs.*", "runs.<\\w+>").replaceAll(".", "\\.")}\``, "m");
    expect(isStage || isSetting.test(reference), `${setting} is neither a stage nor a setting`).toBe(true);
  });
});

/** Cells of the rows of a table whose first cell is one of these names in code. */
const rowsOf = (page: string, names: readonly string[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    [...read(page).matchAll(/^\| `([^`]+)`(.*) \|$/gm)]
      .filter(([, name = ""]) => names.includes(name))
      .map(([, name = "", rest = ""]) => [name, rest.split(" | ").slice(1)]),
  );

describe.each(["", ".zh"])("the pages on clusters, docs/clusters…%s.md", (language) => {
  it.each(Object.keys(nodeShapes))("have %s as the hardware table has it", (name) => {
    const shape = nodeShapeOf(name as NodeShapeName);
    const [npus = "", , policy, base = ""] = rowsOf(`clusters${language}.md`, Object.keys(nodeShapes))[name] ?? [];
    expect(Number.parseInt(npus, 10)).toBe(shape.npusPerNode);
    expect(policy).toBe(`\`${shape.schedulePolicy}\``);
    expect(existsSync(join(projectFolder, "stacks", "bases", `${base.replaceAll("`", "")}.yaml`)), base).toBe(true);
  });

  it.each(Object.keys(resourcePresets))("name the resources of %s", (name) => {
    const preset = resourcePresetOf(name as ResourcePresetName);
    const [resources = "", kinds = ""] = rowsOf(`clusters-cce${language}.md`, Object.keys(resourcePresets))[name] ?? [];
    for (const shape of Object.keys(nodeShapes))
      expect(resources).toContain(preset.resourceName(nodeShapeOf(shape as NodeShapeName)));
    expect(kinds.includes("ascendJob") || !kinds.includes("`")).toBe(preset.hasMindCluster);
  });
});

it("the README links to files that exist", () => {
  const readme = readFileSync(join(projectFolder, "README.md"), "utf8");
  const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
  expect(targets.length).toBeGreaterThan(20);
  for (const target of targets) expect(existsSync(join(projectFolder, target)), target).toBe(true);
});

it("finds pages", () => expect(pages.length).toBeGreaterThan(0));
