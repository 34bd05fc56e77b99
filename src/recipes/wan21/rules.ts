/** Rules on a Wan2.1 run that are not about its layout. Paths are relative to the run. */
import type { RunFinding } from "../mindspeed-mm/finding.ts";
import { trainingProblems } from "../mindspeed-mm/training-rules.ts";
import type { Context } from "./artifacts.ts";
import { mindSpeedCommit } from "./facts.ts";
import { shardingSizeDivides, trainingLayoutProblems } from "./layouts.ts";
import type { TextToVideoSettings } from "./surface.ts";

const isListed = ({ stages }: TextToVideoSettings, stage: TextToVideoSettings["stages"][number]): boolean =>
  stages.includes(stage);

/** Upstream names a MindSpeed commit a recipe; an image of another one fails somewhere in the middle, or trains something else. */
export function imageCarriesMindSpeed({ run }: Context): RunFinding | undefined {
  if (run.mindSpeed !== undefined && mindSpeedCommit.startsWith(run.mindSpeed)) return undefined;
  const finding = {
    rule: "image-carries-mind-speed",
    path: ["mindSpeed"],
    what: `this model needs an image with MindSpeed ${mindSpeedCommit}, which other recipes do not use`,
    allowed: mindSpeedCommit,
    nearest: [mindSpeedCommit],
  };
  return run.mindSpeed === undefined
    ? {
        ...finding,
        severity: "warning",
        got: "nothing that says which commit the image carries",
        remedy: "build an image of its own, and confirm it with mindSpeed",
      }
    : { ...finding, severity: "error", got: run.mindSpeed, remedy: "use an image with that commit" };
}

/** `up` does not wait for the extraction, so a training that reads its result fails until it is complete. */
export function pretrainNeedsFeatures({ run }: Context): RunFinding | undefined {
  if (!isListed(run, "pretrain") || !isListed(run, "extractFeatures")) return undefined;
  return {
    severity: "warning",
    rule: "needs-finished-stage",
    path: ["stages", run.stages.indexOf("pretrain")],
    what: "pretrain reads what extractFeatures makes, and nothing waits for extractFeatures: its pod refuses to start until that is complete",
    got: "extractFeatures and pretrain in one list",
    allowed: "pretrain once extractFeatures is complete",
    remedy: "list pretrain when extractFeatures is complete",
  };
}

/** Upstream's script saves weights alone. */
export function restartKeepsOptimiser({ run }: Context): RunFinding | undefined {
  const { training } = run;
  const goesOn = run.restarts > 0 || training.saveInterval < training.iterations;
  if (!isListed(run, "pretrain") || training.optimiserState || !goesOn) return undefined;
  return {
    severity: "warning",
    rule: "restart-keeps-optimiser",
    path: ["training", "optimiserState"],
    what: "checkpoints hold the weights alone, as upstream's script saves them: a training that goes on from one begins with a new optimiser",
    got: "false",
    allowed: "true to go on as if nothing had happened",
    nearest: ["true"],
  };
}

/** The extraction runs on one node. */
export function extractionFitsNode({ run, shape }: Context): RunFinding | undefined {
  if (!isListed(run, "extractFeatures") || run.extraction.npus <= shape.npusPerNode) return undefined;
  return {
    severity: "error",
    rule: "extraction-fits-node",
    path: ["extraction", "npus"],
    what: "the extraction runs on one node",
    got: `${run.extraction.npus}`,
    allowed: `at most ${shape.npusPerNode}`,
    nearest: [`${shape.npusPerNode}`],
  };
}

/** Everything that is wrong or doubtful about a run. */
export function runProblems(context: Context): readonly RunFinding[] {
  const rules = [
    imageCarriesMindSpeed,
    shardingSizeDivides,
    pretrainNeedsFeatures,
    restartKeepsOptimiser,
    extractionFitsNode,
  ];
  return [
    ...trainingLayoutProblems(context),
    ...trainingProblems(context.run),
    ...rules.flatMap((rule) => rule(context) ?? []),
  ];
}
