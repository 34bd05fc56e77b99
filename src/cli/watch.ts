/** `ascend status --watch`: the status again and again, drawn over itself on a terminal, a line per change elsewhere. */
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { LiveStage } from "./live-stages.ts";
import { changeLine, statusLines } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";

/** What is watched, and for how long. */
export interface Watch {
  readonly look: () => Promise<readonly LiveStage[]>;
  readonly isOver: (stages: readonly LiveStage[]) => boolean;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

const csi = "\u001B[";

/** A line cut to what fits: one that wraps would take two rows, and the next drawing would begin too low. */
function cut(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length < width ? line : `${plain.slice(0, Math.max(0, width - 2))}…`;
}

/** Draws lines over those of the time before; keeps what stood above them. */
class Screen {
  readonly #terminal: Terminal;
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    const width = this.#terminal.width?.() ?? 80;
    const rows = this.#terminal.rows?.() ?? 24;
    const fitting =
      lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`];
    const up = this.#drawn === 0 ? "" : `${csi}${this.#drawn}A`;
    const text = fitting.map((line) => `${cut(line, width)}${csi}K\n`).join("");
    this.#terminal.print(`${up}\r${text}${csi}J`);
    this.#drawn = fitting.length;
  }
}

/** Prints a line for each stage that has changed. */
class Changes {
  readonly #terminal: Terminal;
  readonly #printed = new Map<string, string>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  print(stages: readonly LiveStage[]): void {
    for (const stage of stages) this.#printOnce(stage.name, changeLine(stage));
  }

  trouble(text: string): void {
    this.#printOnce("", text);
  }

  #printOnce(key: string, line: string): void {
    if (this.#printed.get(key) === line) return;
    this.#printed.set(key, line);
    if (line !== "") this.#terminal.print(`${line}\n`);
  }
}

/**
 * Watches until everything is over, the time is up, or somebody ends it. Trouble with the cluster ends it only at the first look.
 *
 * @returns the stages at the end; undefined when somebody ended it
 */
export async function watchStages(watch: Watch, terminal: Terminal): Promise<readonly LiveStage[] | undefined> {
  const deadline = Date.now() + watch.timeoutSeconds * 1000;
  const screen = new Screen(terminal);
  const changes = new Changes(terminal);
  let stages: readonly LiveStage[] | undefined;
  const ended = new Promise<undefined>((resolve) =>
    watch.signal.addEventListener("abort", () => resolve(undefined), { once: true }),
  );
  for (;;) {
    let trouble = "";
    const known = stages;
    const look = watch.look().catch((error: unknown) => {
      if (known === undefined || !(error instanceof Error)) throw error;
      trouble = `${error.message}; trying again`;
      return known;
    });
    const found = await Promise.race([look, ended]);
    if (found === undefined) return undefined;
    stages = found;
    if (terminal.width?.() !== undefined) {
      const lines = statusLines(stages, new Date(), terminal);
      screen.draw(trouble === "" ? lines : [...lines, terminal.red(trouble)]);
    } else {
      changes.print(stages);
      changes.trouble(trouble);
    }
    if ((trouble === "" && watch.isOver(stages)) || Date.now() >= deadline) return stages;
    const rest = Math.min(watch.intervalSeconds * 1000, Math.max(0, deadline - Date.now()));
    await sleep(rest, undefined, { signal: watch.signal }).catch(() => undefined);
    if (watch.signal.aborted) return undefined;
  }
}
