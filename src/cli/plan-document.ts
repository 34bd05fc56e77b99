/**
 * The document that `ascend plan --json` prints: a contract with other programs. A field is never renamed or removed within one
 * `schemaVersion`; new fields may come.
 */
import { z } from "zod";
import type { LocatedDiagnostic } from "../config/diagnostics.ts";
import type { ParallelLayout } from "../parallel/layout.ts";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { stageName } from "../pipeline/pipeline.ts";
import type { Artifact } from "../stages/stage-plan.ts";
import { workloadFor } from "../workloads/catalogue.ts";
import { nodeCommand } from "../workloads/command.ts";

const artifact = z.strictObject({
  kind: z.string().describe("What it is, e.g. dit-weights"),
  title: z.string(),
  path: z.string().describe("Absolute path in the pod"),
  key: z.string().optional().describe("Content key; absent for what the user brings"),
  layout: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});

const layout = z.strictObject({
  tensor: z.number(),
  pipeline: z.number(),
  virtualPipeline: z.number(),
  context: z.number(),
  data: z.number(),
  worldSize: z.number().describe("Ranks in all"),
  microBatch: z.number(),
  microbatches: z.number().describe("Microbatches a step on one replica"),
  globalBatch: z.number().describe("Samples a step over all replicas"),
});

const stage = z.strictObject({
  run: z.string(),
  stage: z.string(),
  name: z.string().describe("Name of the stage's Job; equal names are the same stage, done once"),
  recipe: z.string(),
  kind: z.enum(["cpu", "npu"]),
  image: z.enum(["training", "evaluation"]).describe("Which of the environment's images the stage runs in"),
  layout: layout.optional().describe("How the ranks of the stage share the work; absent without NPUs"),
  nodes: z.number(),
  npusPerNode: z.number(),
  argv: z
    .array(z.string())
    .describe("Complete command of the node with rank 0; other nodes differ in --node_rank alone"),
  environment: z.record(z.string(), z.string()).describe("Environment variables that the plan sets"),
  files: z
    .record(z.string(), z.string())
    .describe("Content by path in the pod, for every configuration file that argv names"),
  inputs: z.array(artifact),
  outputs: z.array(artifact),
});

const diagnostic = z.strictObject({
  severity: z.enum(["error", "warning"]),
  path: z.string(),
  file: z.string(),
  line: z.number().optional(),
  column: z.number().optional(),
  what: z.string(),
  got: z.string().optional(),
  allowed: z.string().optional(),
  nearest: z.array(z.string()).optional(),
  remedy: z.string().optional(),
  rule: z.string().optional(),
  source: z.string().optional().describe("Where the rule comes from"),
});

/** The whole document. */
export const planDocumentSchema = z.strictObject({
  schemaVersion: z.literal(1),
  stack: z.string(),
  namespace: z.string().optional(),
  runs: z.array(z.strictObject({ name: z.string(), recipe: z.string(), layout })),
  stages: z.array(stage),
  objects: z.array(z.strictObject({ kind: z.string(), name: z.string(), isProtected: z.boolean() })),
  diagnostics: z.array(diagnostic),
});

/** The document's type. */
export type PlanDocument = z.infer<typeof planDocumentSchema>;

const artifactDocument = ({
  kind,
  title,
  path,
  identity,
}: Artifact): PlanDocument["stages"][number]["inputs"][number] => ({
  kind,
  title,
  path,
  ...(identity === undefined ? {} : { key: identity.key, layout: { ...identity.layout } }),
});

/** The sizes of a layout, without the strategies that the stage's command and files show. */
function layoutDocument(chosen: ParallelLayout): PlanDocument["runs"][number]["layout"] {
  const { tensor, pipeline, virtualPipeline, context, data, worldSize, microBatch, microbatches, globalBatch } = chosen;
  const model = { tensor, pipeline, virtualPipeline, context, data, worldSize };
  return { ...model, microBatch, microbatches, globalBatch };
}

const defined = <Value extends object>(value: Value): Value =>
  // Leaves out undefined fields; the type stays what it was, for those fields are optional in it.
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Value;

/** A diagnostic as other programs read it. */
export function diagnosticDocument(found: LocatedDiagnostic): PlanDocument["diagnostics"][number] {
  const { severity, what, got, allowed, remedy, rule, source, file, line, column } = found;
  const nearest = found.nearest === undefined ? undefined : [...found.nearest];
  const path = found.path.join(".");
  return defined({
    severity,
    path,
    file,
    line,
    column,
    what,
    got,
    allowed,
    nearest,
    remedy,
    rule,
    source,
  }) as PlanDocument["diagnostics"][number];
}

/** What a plan would create, in one document. `plan` is absent when the stack file cannot be read as an environment. */
export function planDocument(
  stack: string,
  planned: { readonly plan: EnvironmentPlan; readonly objects: PlanDocument["objects"] } | undefined,
  diagnostics: readonly LocatedDiagnostic[],
): PlanDocument {
  const found = diagnostics.map(diagnosticDocument);
  if (planned === undefined) return { schemaVersion: 1, stack, runs: [], stages: [], objects: [], diagnostics: found };
  const { plan, objects } = planned;
  const runs = plan.runs.map(({ name, recipe, layout: chosen }) => ({ name, recipe, layout: layoutDocument(chosen) }));
  const stages = plan.runs.flatMap((run) =>
    run.stages.map((stagePlan) => {
      const name = stageName(stagePlan);
      return {
        run: run.name,
        stage: stagePlan.stage,
        name,
        recipe: stagePlan.recipe,
        kind: stagePlan.kind,
        image: stagePlan.image,
        ...(stagePlan.layout === undefined ? {} : { layout: layoutDocument(stagePlan.layout) }),
        nodes: stagePlan.nodes,
        npusPerNode: stagePlan.npusPerNode,
        argv: [
          ...nodeCommand(stagePlan, workloadFor(plan.environment, stagePlan).masterAddress(name, stagePlan.nodes)),
        ],
        environment: { ...stagePlan.environment },
        files: { ...stagePlan.files },
        inputs: stagePlan.inputs.map(artifactDocument),
        outputs: stagePlan.outputs.map(artifactDocument),
      };
    }),
  );
  return { schemaVersion: 1, stack, namespace: plan.environment.namespace, runs, stages, objects, diagnostics: found };
}
