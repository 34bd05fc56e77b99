/** The contract file of a stage: what the in-pod runtime must check, start and prove. */
import {
  type ContractInput,
  type ContractOutput,
  contractSchemaVersion,
  type Rendezvous,
  type StageContract,
} from "../pipeline/contract.ts";
import type { Artifact, StagePlan } from "../stages/stage-plan.ts";

const optional = (artifact: Artifact) => ({
  ...(artifact.identity === undefined ? {} : { identity: artifact.identity }),
  ...(artifact.checkpoint === undefined ? {} : { checkpoint: artifact.checkpoint }),
});

const input = (artifact: Artifact): ContractInput => ({
  title: artifact.title,
  path: artifact.path,
  requiredFiles: artifact.requiredFiles,
  remedy: artifact.remedy,
  ...optional(artifact),
});

function output(plan: StagePlan, artifact: Artifact): ContractOutput {
  if (artifact.identity === undefined) throw new Error(`output ${artifact.kind} of ${plan.stage} has no identity`);
  return {
    title: artifact.title,
    path: artifact.path,
    identity: artifact.identity,
    // A download is a folder of many things; what is made depends on those that are inputs by themselves.
    sources: plan.inputs.filter(({ kind }) => kind !== "download").map(({ path }) => path),
    requiredFiles: artifact.requiredFiles,
    ...(artifact.checkpoint === undefined ? {} : { checkpoint: artifact.checkpoint }),
    ...(artifact.isWrittenInPlace === true ? { isWrittenInPlace: true } : {}),
  };
}

function success(plan: StagePlan): StageContract["success"] {
  if (plan.success.kind === "outputs") return { kind: "outputs" };
  const { checkpoint, iteration, retention } = plan.success;
  if (checkpoint.identity === undefined || checkpoint.checkpoint === undefined) {
    throw new Error(`checkpoint of ${plan.stage} has no identity or no layout`);
  }
  return {
    kind: "checkpoint",
    folder: checkpoint.path,
    iteration,
    identity: checkpoint.identity,
    ...checkpoint.checkpoint,
    ...(retention === undefined ? {} : { retention }),
  };
}

/**
 * Builds the contract of a stage.
 *
 * @param subject what messages call the run: the run's name, or the stage's own name when several runs share it
 * @param rendezvous how the nodes find each other on the chosen scheduler
 */
export function stageContract(
  plan: StagePlan,
  placement: {
    readonly environmentName: string;
    readonly subject: string;
    readonly image: string;
    readonly rendezvous: Rendezvous;
    readonly metricsPort?: number | undefined;
  },
): StageContract {
  return {
    schemaVersion: contractSchemaVersion,
    environment: placement.environmentName,
    run: placement.subject,
    stage: plan.stage,
    recipe: plan.recipe,
    image: placement.image,
    launch:
      plan.launch.kind === "process"
        ? { kind: "process" }
        : { kind: "torchrun", nodes: plan.nodes, npusPerNode: plan.npusPerNode, rendezvous: placement.rendezvous },
    workingDirectory: plan.workingDirectory,
    environmentScripts: plan.environmentScripts,
    patches: plan.patches,
    inputs: plan.inputs.map(input),
    outputs: plan.success.kind === "outputs" ? plan.outputs.map((artifact) => output(plan, artifact)) : [],
    success: success(plan),
    ...(placement.metricsPort === undefined ? {} : { metrics: { port: placement.metricsPort } }),
    ...(plan.conversion === undefined ? {} : { conversion: plan.conversion }),
  };
}
