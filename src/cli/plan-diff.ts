/**
 * `ascend plan <stack> --diff`: what the next `pulumi up` would do to what is there, and what that means for runs. Three classes:
 * *hot* changes are made in place while everything runs; *next run* changes make or remove objects that no running training needs;
 * *destructive* changes end a training or remove data, and are refused by the engine until the user names the run.
 */
import { manifestChange } from "../kubernetes/changes.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import type { PlannedStack } from "../stack.ts";
import type { StateResource } from "./engine-state.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What a change means for runs. */
export type ChangeClass = "hot" | "next run" | "destructive";

/** One object that the next update would touch. */
export interface ObjectChange {
  readonly class: ChangeClass;
  readonly kind: string;
  readonly name: string;
  readonly change: "new" | "gone" | "changed" | "replaced";
  /** Paths of changed fields; none for what is new or gone. */
  readonly fields: readonly string[];
  /** Runs whose training would end. */
  readonly runs: readonly string[];
  /** Whether the engine would let it happen. */
  readonly isAllowed: boolean;
}

/** Kinds that carry a training on one of the schedulers. */
const runTypes = /:(Job|JobSet|AscendJob)$/;

const isSecret = ({ manifest }: PlannedObject): boolean => manifest.kind === "Secret";

/** Runs of a stage by its name; a stage that left the plan is told by the name of its run, which its own name begins with. */
function runsOf({ plan }: PlannedStack, stage: string): readonly string[] {
  return plan.stages.find(({ name }) => name === stage)?.runs ?? [stage.replace(/-[a-z]+(-[0-9a-f]{10})?$/, "")];
}

const stageOfResource = (name: string): string => name.replace(/-(job|files|service)$/, "");

function changedObject(
  stack: PlannedStack,
  object: PlannedObject,
  known: StateResource | undefined,
): readonly ObjectChange[] {
  const { kind, metadata } = object.manifest;
  const named = { kind, name: metadata.name };
  if (known === undefined) {
    return [{ ...named, class: "next run", change: "new", fields: [], runs: [], isAllowed: true }];
  }
  const { inputs } = known;
  // The value of a secret is encrypted in the state, and stands in no plan.
  const before = isSecret(object) ? { ...inputs, stringData: object.manifest.stringData } : inputs;
  const { fields, isReplaced } = manifestChange(before, object.manifest);
  const paths = fields
    .map(({ path }) => path)
    .filter((path) => path !== "stringData" && path !== "metadata.annotations.pulumi.com/autonamed");
  if (paths.length === 0) return [];
  const isRun = object.stage !== undefined && known.isProtected;
  if (!isReplaced) return [{ ...named, class: "hot", change: "changed", fields: paths, runs: [], isAllowed: true }];
  const isDestructive = known.isProtected;
  return [
    {
      ...named,
      class: isDestructive ? "destructive" : "next run",
      change: "replaced",
      fields: paths,
      runs: isRun ? runsOf(stack, object.stage ?? "") : [],
      isAllowed: !isDestructive || !object.isProtected,
    },
  ];
}

function goneObject(stack: PlannedStack, known: StateResource): ObjectChange {
  const metadata = known.inputs.metadata as { readonly name?: string } | undefined;
  const isRun = known.isProtected && runTypes.test(known.type);
  return {
    class: known.isProtected ? "destructive" : "next run",
    kind: known.type.slice(known.type.lastIndexOf(":") + 1),
    name: metadata?.name ?? known.name,
    change: "gone",
    fields: [],
    runs: isRun ? runsOf(stack, stageOfResource(known.name)) : [],
    isAllowed: !known.isProtected,
  };
}

/** Everything that the next update would touch, destructive changes first. */
export function planChanges(stack: PlannedStack, state: readonly StateResource[]): readonly ObjectChange[] {
  const known = new Map(state.map((resource) => [resource.name, resource]));
  const planned = new Set(stack.objects.map(({ name }) => name));
  const rank: Readonly<Record<ChangeClass, number>> = { destructive: 0, "next run": 1, hot: 2 };
  return [
    ...stack.objects.flatMap((object) => changedObject(stack, object, known.get(object.name))),
    ...state.filter(({ name }) => !planned.has(name)).map((resource) => goneObject(stack, resource)),
  ].sort((left, right) => rank[left.class] - rank[right.class]);
}

const fieldText = (fields: readonly string[]): string =>
  fields.length <= 3 ? fields.join(", ") : `${fields.slice(0, 3).join(", ")} and ${fields.length - 3} more`;

/** The changes as text for people. */
export function planChangesText(stack: string, changes: readonly ObjectChange[], terminal: Terminal): string {
  if (changes.length === 0) return `Stack ${stack}: the next update changes nothing\n`;
  const rows = changes.map((change) => [
    change.class,
    `${change.kind} ${change.name}`,
    change.change,
    change.runs.length > 0 ? `ends run ${change.runs.join(", ")}` : fieldText(change.fields),
  ]);
  const [heading = "", ...lines] = tableLines([["CLASS", "OBJECT", "CHANGE", "WHAT"], ...rows]);
  const coloured = lines.map((line, index) => (changes[index]?.class === "destructive" ? terminal.red(line) : line));
  const refused = [...new Set(changes.filter(({ isAllowed }) => !isAllowed).flatMap(({ runs }) => runs))];
  const advice = refused.map(
    (run) =>
      `refused by the engine: it would end run ${run}. To allow it for one update, add ${run} to allowReplacing; to leave the run out for good, ascend retire ${stack} ${run}.`,
  );
  const data = changes.filter(({ isAllowed, runs }) => !isAllowed && runs.length === 0);
  return `${[
    terminal.bold(`Stack ${stack}: the next update touches ${changes.length} objects`),
    terminal.bold(heading),
    ...coloured,
    ...advice,
    ...(data.length > 0 && advice.length === 0
      ? [`refused by the engine: ${data.map(({ kind, name }) => `${kind} ${name}`).join(", ")} is protected`]
      : []),
  ].join("\n")}\n`;
}
