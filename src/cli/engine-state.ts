/** What the engine remembers of a stack: read through its own command line, never from its files. */
import { spawnSync } from "node:child_process";
import { UsageError } from "./arguments.ts";

/** One remembered resource. */
export interface StateResource {
  readonly urn: string;
  /** Last part of the URN: the name of the planned object. */
  readonly name: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly isProtected: boolean;
}

/** Runs the engine's command line in the project; standard output when it succeeds. */
export function pulumi(projectFolder: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("pulumi", [...words, "--non-interactive", "--color", "never"], {
    cwd: projectFolder,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error !== undefined) {
    throw new UsageError(`pulumi cannot be started: ${error.message}; install the Pulumi CLI, or put it on the PATH`);
  }
  if (status === 0) return stdout;
  const [line = "no message"] = stderr.trim().split("\n");
  throw new UsageError(`pulumi ${words.slice(0, 2).join(" ")} ended with ${status}: ${line}`);
}

interface Exported {
  readonly deployment?: {
    readonly resources?: readonly {
      readonly urn?: string;
      readonly type?: string;
      readonly custom?: boolean;
      readonly delete?: boolean;
      readonly protect?: boolean;
      readonly inputs?: Readonly<Record<string, unknown>>;
    }[];
  };
}

/** The Kubernetes objects in an exported state; those that only wait for their deletion are left out. */
export function stateResources(text: string): readonly StateResource[] {
  let exported: Exported;
  try {
    exported = JSON.parse(text) as Exported;
  } catch {
    throw new UsageError("pulumi stack export printed no JSON; use a current version of the Pulumi CLI");
  }
  return (exported.deployment?.resources ?? []).flatMap(({ urn, type, delete: isLeaving, protect, inputs }) =>
    urn === undefined || type === undefined || isLeaving === true || !/^kubernetes:/.test(type)
      ? []
      : [
          {
            urn,
            name: urn.slice(urn.lastIndexOf("::") + 2),
            type,
            inputs: inputs ?? {},
            isProtected: protect === true,
          },
        ],
  );
}

/**
 * The objects that the engine made for a stack.
 *
 * @throws UsageError when the engine cannot be asked or knows no such stack
 */
export const readState = (projectFolder: string, stack: string): readonly StateResource[] =>
  stateResources(pulumi(projectFolder, ["stack", "export", "--stack", stack]));
