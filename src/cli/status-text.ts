/** What `ascend status` prints: a table, and below a stage's row its progress, its last error and what it waits for. */
import type { LiveStage, StageState } from "./live-stages.ts";
import { failureText } from "./pod-facts.ts";
import { durationText, progressLine } from "./progress-text.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const indent = "  ";

function nodesText(nodes: readonly string[]): string {
  const [first, second, ...rest] = nodes;
  if (first === undefined) return "";
  return rest.length > 0 ? `${first} … ${nodes.at(-1)} (${nodes.length})` : [first, second].filter(Boolean).join(", ");
}

function podsText({ pods }: LiveStage): string {
  const parts = [`${pods.succeeded}/${pods.wanted} done`];
  if (pods.running > 0) parts.push(`${pods.running} running`);
  if (pods.failed > 0) parts.push(`${pods.failed} failed`);
  if (pods.restarts > 0) parts.push(`${pods.restarts} ${pods.restarts === 1 ? "restart" : "restarts"}`);
  return parts.join(", ");
}

/** What there is to say of a stage beside its row. */
function detailsOf(stage: LiveStage, width: number | undefined): readonly string[] {
  const { name, state, reason, progress, lastError } = stage;
  const room = width === undefined ? undefined : width - indent.length;
  return [
    ...(progress === undefined ? [] : [progressLine(progress, room)]),
    ...(reason === undefined ? [] : [`${name} ${state}: ${reason}`]),
    ...(lastError === undefined || state === "complete" ? [] : [failureText(lastError)]),
  ];
}

/** The status as lines for people; colours, width and bars are the terminal's. */
export function statusLines(stages: readonly LiveStage[], now: Date, terminal: Terminal): readonly string[] {
  const rows = stages.map((stage) => [
    stage.runs.join(", "),
    stage.stage,
    stage.state,
    podsText(stage),
    nodesText(stage.nodes),
    durationText(stage.startedAt, stage.endedAt, now),
  ]);
  const [heading = "", ...lines] = tableLines([["RUN", "STAGE", "STATE", "PODS", "NODES", "TIME"], ...rows]);
  const colour: Partial<Record<StageState, (text: string) => string>> = {
    complete: terminal.green,
    failed: terminal.red,
    running: terminal.yellow,
  };
  return [
    terminal.bold(heading),
    ...stages.flatMap((stage, index) => {
      const paint = colour[stage.state] ?? ((text: string) => text);
      return [paint(lines[index] ?? ""), ...detailsOf(stage, terminal.width?.()).map((line) => `${indent}${line}`)];
    }),
  ];
}

/** What is left changes with every look; in a log of changes it would repeat lines for nothing. */
function withoutTimeLeft(stage: LiveStage): LiveStage {
  if (stage.progress === undefined) return stage;
  const { secondsLeft: _, ...progress } = stage.progress;
  return { ...stage, progress };
}

/** One stage in one line without anything that changes by itself, to be printed when it differs from the last. */
export const changeLine = (stage: LiveStage): string =>
  [
    [stage.runs.join(", "), stage.stage, stage.state, podsText(stage)].join("  "),
    ...detailsOf(withoutTimeLeft(stage), 0),
  ].join("; ");
