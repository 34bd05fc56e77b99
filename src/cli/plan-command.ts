/** `ascend plan <stack>`: what the stack would create, without touching anything. */
import { ConfigurationError, type LocatedDiagnostic, warningLine } from "../config/diagnostics.ts";
import { nodeShapeOf } from "../hardware/node-shapes.ts";
import { type PlannedStack, planStack } from "../stack.ts";
import { parseCall } from "./arguments.ts";
import { readState } from "./engine-state.ts";
import { planChanges, planChangesText } from "./plan-diff.ts";
import { type PlanDocument, planDocument } from "./plan-document.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

function runLines(document: PlanDocument): readonly string[] {
  return document.runs.flatMap(({ name, recipe, layout }) => [
    `${name} (${recipe})`,
    `  ranks   ${layout.worldSize} = tensor ${layout.tensor} × pipeline ${layout.pipeline} × context ${layout.context} × data ${layout.data}`,
    `  batch   global ${layout.globalBatch} = micro ${layout.microBatch} × data ${layout.data} × microbatches ${layout.microbatches}`,
  ]);
}

/** A layout in a cell: the sizes that are not 1, and the batch. */
function layoutWords(layout: PlanDocument["runs"][number]["layout"]): string {
  const sizes = (["tensor", "pipeline", "virtualPipeline", "context", "data"] as const)
    .filter((name) => layout[name] !== 1)
    .map((name) => `${name} ${layout[name]}`);
  return [...sizes, `batch ${layout.globalBatch}`].join(", ");
}

function stageLines(document: PlanDocument): readonly string[] {
  const rows = document.stages.map((stage) => [
    stage.run,
    stage.stage,
    stage.name,
    stage.kind === "npu" ? `${stage.nodes} × ${stage.npusPerNode} NPUs` : "processors only",
    stage.layout === undefined ? "" : layoutWords(stage.layout),
  ]);
  return tableLines([["RUN", "STAGE", "JOB", "ON", "LAYOUT"], ...rows]);
}

const quote = (word: string): string =>
  /^[\w./:=@,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** A command over several lines: an option and its value on each. */
function commandLines(argv: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of argv) {
    const last = lines.at(-1);
    const isValue = last?.startsWith("--") === true && !last.includes(" ") && !word.startsWith("--");
    if (last !== undefined && (isValue || (lines.length === 1 && !last.includes("--") && !word.startsWith("--")))) {
      lines[lines.length - 1] = `${last} ${quote(word)}`;
    } else lines.push(quote(word));
  }
  return lines.map((line, index) => (index === 0 ? line : `  ${line}`));
}

function commandSection(document: PlanDocument, terminal: Terminal): readonly string[] {
  const seen = new Set<string>();
  return document.stages.flatMap((stage) => {
    if (seen.has(stage.name)) return [];
    seen.add(stage.name);
    const variables = Object.entries(stage.environment).map(([name, value]) => `${name}=${value}`);
    return [`${terminal.bold(stage.name)}`, ...indent(variables), ...indent(commandLines(stage.argv)), ""];
  });
}

/** The plan as text for people. */
export function planText(
  document: PlanDocument,
  hardware: string,
  warnings: readonly LocatedDiagnostic[],
  terminal: Terminal,
): string {
  const objects = document.objects.map(({ kind, name, isProtected }) => [kind, name, isProtected ? "protected" : ""]);
  return [
    `${terminal.bold(`Stack ${document.stack}`)}: namespace ${document.namespace}, ${hardware}`,
    "",
    terminal.bold("Runs"),
    ...indent(runLines(document)),
    "",
    terminal.bold("Stages"),
    ...indent(stageLines(document)),
    "",
    terminal.bold("Objects"),
    ...indent(tableLines([["KIND", "NAME", ""], ...objects])),
    "",
    terminal.bold("Commands (of the node with rank 0; other nodes differ in --node_rank alone)"),
    ...indent(commandSection(document, terminal)).map((line) => line.trimEnd()),
    ...warnings.map((warning) => terminal.yellow(`warning: ${warningLine(warning)}`)),
    "",
  ].join("\n");
}

/** What the next update would do to what is there; the exit code is 1 when the engine would refuse it. */
function printChanges(
  stack: string,
  planned: PlannedStack,
  projectFolder: string,
  isJson: boolean,
  terminal: Terminal,
): number {
  const changes = planChanges(planned, readState(projectFolder, stack));
  terminal.print(
    isJson
      ? `${JSON.stringify({ schemaVersion: 1, stack, changes }, null, 2)}\n`
      : planChangesText(stack, changes, terminal),
  );
  return changes.every(({ isAllowed }) => isAllowed) ? 0 : 1;
}

/** Runs the command; returns the exit code. */
export function planCommand(words: readonly string[], projectFolder: string, terminal: Terminal): number {
  const { stack, values } = parseCall("plan", "<stack> [--diff] [--json]", words, {
    json: { type: "boolean" },
    diff: { type: "boolean" },
  });
  try {
    const planned = planStack(projectFolder, stack);
    if (values.diff === true) return printChanges(stack, planned, projectFolder, values.json === true, terminal);
    const { plan, objects, warnings } = planned;
    const named = objects.map(({ manifest, isProtected }) => ({
      kind: manifest.kind,
      name: manifest.metadata.name,
      isProtected,
    }));
    const document = planDocument(stack, { plan, objects: named }, warnings);
    const { cluster } = plan.environment;
    const hardware = `${nodeShapeOf(cluster.nodeShape).product}, at most ${cluster.nodes} nodes a run`;
    terminal.print(
      values.json === true
        ? `${JSON.stringify(document, null, 2)}\n`
        : planText(document, hardware, warnings, terminal),
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError) || values.json !== true) throw error;
    terminal.print(`${JSON.stringify(planDocument(stack, undefined, error.diagnostics), null, 2)}\n`);
    return 1;
  }
}
