/**
 * `ascend stop|resume|retire <stack> <run>`: the few lawful things to do to a run that is there. Each acts on one run that the user
 * names, and on nothing else.
 */
import { parseArgs } from "node:util";
import { BatchV1Api, CustomObjectsApi, KubeConfig, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { nearestWords } from "../config/nearest.ts";
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { type PlannedStack, planStack } from "../stack.ts";
import { UsageError } from "./arguments.ts";
import { pulumi, readState } from "./engine-state.ts";
import { ClusterError, type LiveStage, liveStages } from "./live-stages.ts";
import type { Terminal } from "./terminal.ts";

interface Call {
  readonly stack: string;
  readonly run: string;
  readonly planned: PlannedStack;
  readonly isForced: boolean;
}

function parseRun(command: string, words: readonly string[], projectFolder: string, flag?: string): Call {
  const usage = `usage: ascend ${command} <stack> <run>${flag === undefined ? "" : ` [--${flag}]`}`;
  let positionals: readonly string[];
  let values: Readonly<Record<string, unknown>>;
  try {
    ({ positionals, values } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: flag === undefined ? {} : { [flag]: { type: "boolean" } },
    }));
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; ${usage}`);
  }
  const [stack, run, ...rest] = positionals;
  if (stack === undefined || run === undefined || rest.length > 0)
    throw new UsageError(`name one stack and one run; ${usage}`);
  return {
    stack,
    run,
    planned: planStack(projectFolder, stack),
    isForced: flag !== undefined && values[flag] === true,
  };
}

/** The NPU stages of a run; processor stages end by themselves and are nothing to control. */
function stagesOf({ planned, run, stack }: Call): readonly PlannedStage[] {
  const names = planned.plan.runs.map(({ name }) => name);
  if (!names.includes(run)) {
    const nearest = nearestWords(run, names);
    throw new UsageError(
      `stack ${stack} has no run ${run}; known: ${names.join(", ")}${nearest.length > 0 ? `; nearest: ${nearest.join(", ")}` : ""}`,
    );
  }
  return planned.plan.stages.filter(({ plan, runs }) => plan.kind === "npu" && runs.includes(run));
}

/** The object by which a stage runs on its scheduler. */
function runObject({ planned }: Call, stage: PlannedStage): KubernetesObject {
  const object = planned.objects.find(({ name }) => name === `${stage.name}-job`);
  if (object === undefined) throw new Error(`stage ${stage.name} has no object of its own`);
  return object.manifest;
}

/** Lets a Job or a JobSet rest, or go on. Its pods get SIGTERM and their grace period, as in any eviction. */
async function suspend(manifest: KubernetesObject, isSuspended: boolean): Promise<void> {
  const configuration = new KubeConfig();
  configuration.loadFromDefault();
  const { name, namespace = "" } = manifest.metadata;
  const body = { spec: { suspend: isSuspended } };
  const options = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  if (manifest.kind === "Job" && manifest.apiVersion === "batch/v1") {
    await configuration.makeApiClient(BatchV1Api).patchNamespacedJob({ name, namespace, body }, options);
    return;
  }
  const [group = "", version = ""] = manifest.apiVersion.split("/");
  if (manifest.kind === "JobSet") {
    const objects = configuration.makeApiClient(CustomObjectsApi);
    await objects.patchNamespacedCustomObject({ group, version, namespace, plural: "jobsets", name, body }, options);
    return;
  }
  throw new UsageError(
    `${manifest.kind} ${name}: this scheduler cannot let a run rest; end it with ascend retire and start it again, it goes on from its last checkpoint`,
  );
}

async function live({ stack, planned }: Call, stages: readonly PlannedStage[]): Promise<readonly LiveStage[]> {
  const found = await liveStages(stack, planned.plan);
  return found.filter(({ name }) => stages.some((stage) => stage.name === name));
}

/** Failures of the cluster are the user's to mend, and get one line. */
async function asked(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof ClusterError) throw new UsageError(error.message);
    if (error instanceof Error && "code" in error)
      throw new UsageError(`the cluster refused: ${error.message.split("\n")[0]}`);
    throw error;
  }
}

/** `ascend stop`: lets the run's training rest. Checkpoints, files and protection stay; `ascend resume` goes on. */
export function stopCommand(words: readonly string[], projectFolder: string, terminal: Terminal): Promise<number> {
  return asked(async () => {
    const call = parseRun("stop", words, projectFolder);
    const stages = stagesOf(call);
    const active = (await live(call, stages)).filter(({ state }) => state === "running" || state === "waiting");
    if (active.length === 0) {
      throw new UsageError(
        `run ${call.run} has nothing that could be stopped: ${stages.length === 0 ? "it has no NPU stage" : "none of its NPU stages is active"}`,
      );
    }
    for (const { name, progress } of active) {
      const stage = stages.find((candidate) => candidate.name === name);
      if (stage === undefined) continue;
      await suspend(runObject(call, stage), true);
      const reached = progress === undefined ? "" : `; it had reached iteration ${progress.iteration}`;
      terminal.print(
        `${name}: stopped${reached}. It goes on from its last checkpoint with: ascend resume ${call.stack} ${call.run}\n`,
      );
    }
    return 0;
  });
}

/** `ascend resume`: lets a stopped run go on from its last checkpoint. */
export function resumeCommand(words: readonly string[], projectFolder: string, terminal: Terminal): Promise<number> {
  return asked(async () => {
    const call = parseRun("resume", words, projectFolder);
    const stages = stagesOf(call);
    const stopped = (await live(call, stages)).filter(({ state }) => state === "stopped");
    if (stopped.length === 0) throw new UsageError(`run ${call.run} is not stopped; see: ascend status ${call.stack}`);
    for (const { name } of stopped) {
      const stage = stages.find((candidate) => candidate.name === name);
      if (stage === undefined) continue;
      await suspend(runObject(call, stage), false);
      terminal.print(`${name}: goes on from its last checkpoint\n`);
    }
    return 0;
  });
}

/**
 * `ascend retire`: lifts the engine's protection of a run that is over, so that it can be taken out of the stack file. Checkpoints
 * stay on their volume. A run that is still active is refused, unless `--end-running` says that it may be ended.
 */
export function retireCommand(words: readonly string[], projectFolder: string, terminal: Terminal): Promise<number> {
  return asked(async () => {
    const call = parseRun("retire", words, projectFolder, "end-running");
    const stages = stagesOf(call);
    const active = (await live(call, stages)).filter(({ state }) => state === "running" || state === "waiting");
    if (active.length > 0 && !call.isForced) {
      throw new UsageError(
        `run ${call.run} is active (${active.map(({ name, state }) => `${name}: ${state}`).join(", ")}); stop it first, or say --end-running`,
      );
    }
    const names = new Set(
      call.planned.objects.filter(({ stage }) => stages.some(({ name }) => name === stage)).map(({ name }) => name),
    );
    const own = readState(projectFolder, call.stack).filter(({ name, isProtected }) => isProtected && names.has(name));
    for (const { urn } of own) pulumi(projectFolder, ["state", "unprotect", urn, "--stack", call.stack, "--yes"]);
    terminal.print(
      own.length === 0
        ? `run ${call.run}: nothing of it is protected\n`
        : `run ${call.run}: ${own.length} objects are no longer protected. Take the run out of stacks/Pulumi.${call.stack}.yaml and run pulumi up; its checkpoints stay.\n`,
    );
    return 0;
  });
}
