/** `ascend status <stack>`: stages, pods, nodes and progress on the cluster. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { planStack } from "../stack.ts";
import { parseCall, UsageError } from "./arguments.ts";
import { ClusterError, type LiveStage, liveStages } from "./live-stages.ts";
import { statusLines } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";
import { watchStages } from "./watch.ts";

const pollMilliseconds = 1000;

/** Exit code of a command that was ended by Ctrl-C, as shells count it. */
const interrupted = 130;

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

/** Watches until the end; undefined when Ctrl-C ended it. */
async function watch(
  look: () => Promise<readonly LiveStage[]>,
  seconds: { readonly interval: number; readonly timeout: number },
  terminal: Terminal,
): Promise<readonly LiveStage[] | undefined> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once("SIGINT", stop);
  try {
    const times = { intervalSeconds: seconds.interval, timeoutSeconds: seconds.timeout };
    return await watchStages({ look, isOver, ...times, signal: end.signal }, terminal);
  } finally {
    process.off("SIGINT", stop);
  }
}

function secondsOf(name: string, text: string | undefined): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new UsageError(`--${name} takes a number of seconds above 0, got ${String(text)}`);
  return seconds;
}

/**
 * Runs the command; returns the exit code: 1 when a stage failed, or with `--wait` and `--watch` when not all are complete in time; 130
 * when Ctrl-C ended `--watch`.
 */
export async function statusCommand(
  words: readonly string[],
  projectFolder: string,
  terminal: Terminal,
): Promise<number> {
  const usage = "<stack> [--json] [--wait] [--watch] [--interval <seconds>] [--timeout <seconds>]";
  const { stack, values } = parseCall("status", usage, words, {
    json: { type: "boolean" },
    wait: { type: "boolean" },
    watch: { type: "boolean" },
    interval: { type: "string", default: "2" },
    timeout: { type: "string", default: "86400" },
  });
  const timeout = secondsOf("timeout", String(values.timeout));
  const interval = secondsOf("interval", String(values.interval));
  const isWatched = values.watch === true;
  if (isWatched && values.json === true) throw new UsageError("--watch draws text; use --json with --wait, or alone");
  const { plan } = planStack(projectFolder, stack);
  try {
    const look = (): Promise<readonly LiveStage[]> => liveStages(stack, plan);
    const isAwaited = values.wait === true || isWatched;
    const stages = isWatched
      ? await watch(look, { interval, timeout }, terminal)
      : isAwaited
        ? await waitUntilOver(stack, plan, timeout)
        : await look();
    if (stages === undefined) return interrupted;
    const document = { schemaVersion: 1, stack, namespace: plan.environment.namespace, stages };
    if (values.json === true) terminal.print(`${JSON.stringify(document, null, 2)}\n`);
    else if (!isWatched) terminal.print(`${statusLines(stages, new Date(), terminal).join("\n")}\n`);
    const isIncomplete = isAwaited && stages.some(({ state }) => state !== "complete");
    return isIncomplete || stages.some(({ state }) => state === "failed") ? 1 : 0;
  } catch (error) {
    if (error instanceof ClusterError) throw new UsageError(error.message);
    throw error;
  }
}
