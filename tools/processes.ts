/** Processes by id and start time: an id alone is used again by the system, so it never identifies a process. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process that can be recognised later, even by another process. */
export interface ProcessIdentity {
  readonly id: number;
  /** Start time in the system's own form; compared, never computed with. */
  readonly startedAt: string;
}

/** The start time in milliseconds since 1970, as `ps` tells it to the second. For systems without /proc. */
export function startTimeFromPs(id: number): string | undefined {
  const { status, stdout } = spawnSync("ps", ["-o", "stat=", "-o", "lstart=", "-p", String(id)], {
    encoding: "utf8",
    // A time that reads the same for every reader, in the one language that can be parsed.
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  });
  const found = /^\s*(\S+)\s+(.+?)\s*$/.exec(status === 0 ? stdout : "");
  if (found?.[2] === undefined || found[1]?.startsWith("Z")) return undefined;
  const milliseconds = Date.parse(`${found[2]} UTC`);
  return Number.isNaN(milliseconds) ? undefined : String(milliseconds);
}

/** When a process started, or undefined when there is none of that id. */
export function startTime(id: number): string | undefined {
  if (process.platform !== "linux") return startTimeFromPs(id);
  try {
    // Field 22 of the line, counted behind the program name, which may itself hold blanks and brackets.
    const fields = readFileSync(`/proc/${id}/stat`, "utf8").split(") ").at(-1)?.split(" ");
    return fields?.[0] === "Z" ? undefined : fields?.[19];
  } catch {
    return undefined;
  }
}

/** The identity of a running process. */
export function identify(id: number): ProcessIdentity | undefined {
  const startedAt = startTime(id);
  return startedAt === undefined ? undefined : { id, startedAt };
}

/** Whether the very process is still running. */
export const isRunning = ({ id, startedAt }: ProcessIdentity): boolean => startTime(id) === startedAt;

/** What a finished command left behind. */
export interface CommandResult {
  /** Exit code; 127 when the program is not there, 128 + n when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. Never throws for what the command does. */
export function run(
  program: string,
  words: readonly string[],
  options: {
    readonly environment?: NodeJS.ProcessEnv;
    readonly folder?: string;
    readonly timeoutMilliseconds?: number;
  } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, [...words], {
      env: options.environment ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
      ...(options.timeoutMilliseconds === undefined ? {} : { timeout: options.timeoutMilliseconds }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: `${stderr}${error.message}` }));
    child.on("close", (code, signal) => resolve({ code: code ?? (signal === null ? 1 : 128), stdout, stderr }));
  });
}
