/** The command `ascend`: picks the command, prints, and turns every failure into one message and an exit code. */
import { ConfigurationError } from "../config/diagnostics.ts";
import { UsageError } from "./arguments.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

const help = `ascend: Ascend training environments from one YAML file each

  ascend plan <stack> [--json]                        what would be created; touches nothing
  ascend plan <stack> --diff                          what the next update would do to what is there, and to runs
  ascend render <stack> --stdout | --output <folder>  the same manifests as YAML; --check says whether the folder is up to date
  ascend diff <stack> [--from <revision>]             what differs between two revisions of the stack file, in words
  ascend gitops <tool> <stack> --repository <address> objects for Argo CD, Flux or the Pulumi Kubernetes Operator
  ascend status <stack> [--json] [--wait | --watch]   stages, pods, nodes and progress on the cluster
  ascend stop|resume <stack> <run>                    let a training rest, or go on from its last checkpoint
  ascend retire <stack> <run>                         lift the protection of a run that is over
  ascend help                                         this text

A stack is a file stacks/Pulumi.<stack>.yaml. "pulumi up" creates it.
`;

/** Commands are loaded when called: planning must not wait for a Kubernetes client to load. */
const commands: Readonly<
  Record<string, (words: readonly string[], projectFolder: string, terminal: Terminal) => Promise<number>>
> = {
  plan: async (...call) => (await import("./plan-command.ts")).planCommand(...call),
  render: async (...call) => (await import("./render-command.ts")).renderCommand(...call),
  diff: async (...call) => (await import("./diff-command.ts")).diffCommand(...call),
  gitops: async (...call) => (await import("./gitops-command.ts")).gitopsCommand(...call),
  stop: async (...call) => (await import("./run-control.ts")).stopCommand(...call),
  resume: async (...call) => (await import("./run-control.ts")).resumeCommand(...call),
  retire: async (...call) => (await import("./run-control.ts")).retireCommand(...call),
  status: async (...call) => (await import("./status-command.ts")).statusCommand(...call),
};

/**
 * Runs `ascend`.
 *
 * @param words arguments after the program's name
 * @param projectFolder folder that holds `Pulumi.yaml` and `stacks/`
 * @returns exit code: 0, or 1 for anything that the user has to mend
 */
export async function main(words: readonly string[], projectFolder: string): Promise<number> {
  const terminal = processTerminal();
  const [name = "help", ...rest] = words;
  if (["help", "--help", "-h"].includes(name)) {
    terminal.print(help);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    terminal.printError(`ascend: unknown command ${name}; known: ${Object.keys(commands).join(", ")}, help\n`);
    return 1;
  }
  try {
    return await command(rest, projectFolder, terminal);
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof UsageError)) throw error;
    terminal.printError(error instanceof UsageError ? `ascend: ${error.message}\n` : `${error.message}\n`);
    return 1;
  }
}
