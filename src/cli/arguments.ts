/** Arguments of `ascend`: parsed strictly, with a message that a user can act on. */
import { type ParseArgsConfig, parseArgs } from "node:util";

/** A mistake on the command line: shown as one line, exit code 1. */
export class UsageError extends Error {}

/** A parsed call: the stack, and the command's options. */
export interface Call {
  readonly stack: string;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}

/**
 * Parses `<stack>` and the options of a command.
 *
 * @throws UsageError naming what is wrong and how the command is called
 */
export function parseCall(
  command: string,
  usage: string,
  words: readonly string[],
  options: ParseArgsConfig["options"],
): Call {
  const help = `usage: ascend ${command} ${usage}`;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      strict: true,
      ...(options === undefined ? {} : { options }),
    });
    const [stack, ...rest] = positionals;
    if (stack === undefined) throw new UsageError(`the name of a stack is missing; ${help}`);
    if (rest.length > 0) throw new UsageError(`too many arguments: ${rest.join(" ")}; ${help}`);
    // parseArgs types multiple options as arrays; none is declared so here.
    return { stack, values: values as Call["values"] };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; ${help}`);
  }
}
