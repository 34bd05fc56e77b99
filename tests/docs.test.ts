import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigurationError } from "../src/config/diagnostics.ts";
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
  "make ": "tests/end-to-end/readme.e2e.test.ts",
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

it("finds pages", () => expect(pages.length).toBeGreaterThan(0));
