/** `ascend diff <stack>`: what differs between two revisions of a stack, in words. */
import { rmSync } from "node:fs";
import { changeText, type SemanticChange, semanticChanges } from "../gitops/semantic-diff.ts";
import { type PlannedStack, planStack } from "../stack.ts";
import { parseCall } from "./arguments.ts";
import { stacksOfRevision } from "./git.ts";
import type { Terminal } from "./terminal.ts";

/** The stack as a revision has it; without one, as the working tree has it. */
function planAt(projectFolder: string, stack: string, revision: string | undefined): PlannedStack {
  if (revision === undefined) return planStack(projectFolder, stack);
  const folder = stacksOfRevision(projectFolder, revision);
  try {
    return planStack(folder, stack);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function changeLines(changes: readonly SemanticChange[]): readonly string[] {
  const scopes = [...new Set(changes.map(({ scope }) => scope))];
  return scopes.flatMap((scope) => [
    scope,
    ...changes.filter((change) => change.scope === scope).map((change) => `  ${changeText(change)}`),
  ]);
}

/** Runs the command; returns 0 whether or not there are differences. */
export function diffCommand(words: readonly string[], projectFolder: string, terminal: Terminal): number {
  const { stack, values } = parseCall("diff", "<stack> [--from <revision>] [--to <revision>] [--json]", words, {
    from: { type: "string" },
    to: { type: "string" },
    json: { type: "boolean" },
  });
  const from = typeof values.from === "string" ? values.from : "HEAD";
  const to = typeof values.to === "string" ? values.to : undefined;
  const changes = semanticChanges(planAt(projectFolder, stack, from), planAt(projectFolder, stack, to));
  if (values.json === true) {
    terminal.print(`${JSON.stringify({ schemaVersion: 1, stack, from, to: to ?? null, changes }, null, 2)}\n`);
    return 0;
  }
  const span = `from ${from} to ${to ?? "the working tree"}`;
  terminal.print(
    changes.length === 0
      ? `stack ${stack}: nothing differs ${span}\n`
      : `${[terminal.bold(`stack ${stack}: ${changes.length} differences ${span}`), ...changeLines(changes)].join("\n")}\n`,
  );
  return 0;
}
