/** `ascend status <stack>`: stages, pods, nodes and progress on the cluster. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { planStack } from "../stack.ts";
import { parseCall, UsageError } from "./arguments.ts";
import { ClusterError, type LiveStage, liveStages, type StageState } from "./live-stages.ts";
import { progressText } from "./progress.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const pollMilliseconds = 1000;

/** How long a stage has been running, as `1h02m`, `3m05s` or `4s`. */
export function durationText(startedAt: string | undefined, endedAt: string | undefined, now: Date): string {
  if (startedAt === undefined) return "";
  const seconds = Math.max(
    0,
    Math.round(((endedAt === undefined ? now : new Date(endedAt)).getTime() - new Date(startedAt).getTime()) / 1000),
  );
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m${two(seconds % 60)}s` : `${seconds}s`;
}

function nodesText(nodes: readonly string[]): string {
  const [first, second, ...rest] = nodes;
  if (first === undefined) return "";
  return rest.length > 0 ? `${first} … ${nodes.at(-1)} (${nodes.length})` : [first, second].filter(Boolean).join(", ");
}

function podsText({ pods }: LiveStage): string {
  const parts = [`${pods.succeeded}/${pods.wanted} done`];
  if (pods.running > 0) parts.push(`${pods.running} running`);
  if (pods.failed > 0) parts.push(`${pods.failed} failed`);
  return parts.join(", ");
}

/** The status as a table for people. */
export function statusText(stages: readonly LiveStage[], now: Date, terminal: Terminal): string {
  const rows = stages.map((stage) => [
    stage.runs.join(", "),
    stage.stage,
    stage.state,
    podsText(stage),
    nodesText(stage.nodes),
    durationText(stage.startedAt, stage.endedAt, now),
    stage.progress === undefined ? "" : progressText(stage.progress),
  ]);
  const [heading = "", ...lines] = tableLines([
    ["RUN", "STAGE", "STATE", "PODS", "NODES", "TIME", "PROGRESS"],
    ...rows,
  ]);
  const reasons = stages.flatMap(({ name, state, reason }) =>
    reason === undefined ? [] : [`${name} ${state}: ${reason}`],
  );
  const colour: Partial<Record<StageState, (text: string) => string>> = {
    complete: terminal.green,
    failed: terminal.red,
    running: terminal.yellow,
  };
  const coloured = lines.map((line, index) =>
    (colour[stages[index]?.state ?? "waiting"] ?? ((text: string) => text))(line),
  );
  return `${[terminal.bold(heading), ...coloured, ...reasons].join("\n")}\n`;
}

const isOver = (stages: readonly LiveStage[]): boolean =>
  stages.every(({ state }) => state === "complete") || stages.some(({ state }) => state === "failed");

async function waitUntilOver(
  stack: string,
  plan: EnvironmentPlan,
  timeoutSeconds: number,
): Promise<readonly LiveStage[]> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const stages = await liveStages(stack, plan);
    if (isOver(stages) || Date.now() >= deadline) return stages;
    await sleep(pollMilliseconds);
  }
}

/** Runs the command; returns the exit code: 1 when a stage failed, or with `--wait` when not all are complete in time. */
export async function statusCommand(
  words: readonly string[],
  projectFolder: string,
  terminal: Terminal,
): Promise<number> {
  const usage = "<stack> [--json] [--wait] [--timeout <seconds>]";
  const { stack, values } = parseCall("status", usage, words, {
    json: { type: "boolean" },
    wait: { type: "boolean" },
    timeout: { type: "string", default: "86400" },
  });
  const timeoutSeconds = Number(values.timeout);
  if (!(timeoutSeconds > 0))
    throw new UsageError(`--timeout takes a number of seconds above 0, got ${String(values.timeout)}`);
  const { plan } = planStack(projectFolder, stack);
  try {
    const stages =
      values.wait === true ? await waitUntilOver(stack, plan, timeoutSeconds) : await liveStages(stack, plan);
    const document = { schemaVersion: 1, stack, namespace: plan.environment.namespace, stages };
    terminal.print(
      values.json === true ? `${JSON.stringify(document, null, 2)}\n` : statusText(stages, new Date(), terminal),
    );
    const isIncomplete = values.wait === true && stages.some(({ state }) => state !== "complete");
    return isIncomplete || stages.some(({ state }) => state === "failed") ? 1 : 0;
  } catch (error) {
    if (error instanceof ClusterError) throw new UsageError(error.message);
    throw error;
  }
}
