import type { V1Pod } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import type { LiveStage } from "./live-stages.ts";
import { failureText, lastFailure, restartsOf } from "./pod-facts.ts";
import { statusLines } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";
import { type Watch, watchStages } from "./watch.ts";

/** What people see of a status, on a terminal of a given size and on a pipe. */

const now = new Date("2026-01-01T01:00:00Z");

const stage = (change: Partial<LiveStage> = {}): LiveStage => ({
  name: "t2v-pretrain",
  runs: ["t2v"],
  stage: "pretrain",
  state: "running",
  pods: { wanted: 2, running: 2, succeeded: 0, failed: 0, restarts: 0 },
  nodes: ["node-1", "node-2"],
  startedAt: "2026-01-01T00:00:00Z",
  progress: { iteration: 10, iterations: 100, stepMilliseconds: 500, secondsLeft: 45 },
  ...change,
});

/** A terminal that keeps what is printed; colours are marked, so that their absence shows. */
function terminal(size?: { readonly width: number; readonly rows: number }): Terminal & { printed: string } {
  const colour = (code: number) => (text: string) => (size === undefined ? text : `\u001B[${code}m${text}\u001B[39m`);
  const made: Terminal & { printed: string } = {
    printed: "",
    print: (text) => {
      made.printed += text;
    },
    printError: () => undefined,
    bold: colour(1),
    yellow: colour(33),
    red: colour(31),
    green: colour(32),
    width: () => size?.width,
    rows: () => size?.rows,
  };
  return made;
}

interface Cursor {
  row: number;
  column: number;
}

/** The sequences that may occur, by their letter. */
const sequences: Readonly<Record<string, (lines: string[], cursor: Cursor, count: number) => void>> = {
  A: (_, cursor, count) => {
    if (count > cursor.row) throw new Error("above the first line");
    cursor.row -= count;
  },
  K: (lines, { row, column }) => {
    lines[row] = (lines[row] ?? "").slice(0, column);
  },
  J: (lines, { row, column }) => {
    lines.splice(row, lines.length, (lines[row] ?? "").slice(0, column));
  },
  m: () => undefined,
};

/** What a terminal shows after some output; throws on unknown sequences and on lines that would wrap. */
function screen(output: string, width: number): readonly string[] {
  const lines: string[] = [""];
  const cursor: Cursor = { row: 0, column: 0 };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of terminals begin with one
  for (const part of output.split(/(\u001B\[[0-9]*[A-Za-z]|\r|\n)/)) {
    const [, count = "", command = ""] = /^.\[([0-9]*)([A-Za-z])$/.exec(part) ?? [];
    if (part === "\n") lines[++cursor.row] ??= "";
    if (part === "\n" || part === "\r") cursor.column = 0;
    else if (command !== "") {
      const sequence = sequences[command];
      if (sequence === undefined) throw new Error(`unexpected sequence ${JSON.stringify(part)}`);
      sequence(lines, cursor, Number(count));
    } else {
      const line = (lines[cursor.row] ?? "").padEnd(cursor.column);
      lines[cursor.row] = line.slice(0, cursor.column) + part + line.slice(cursor.column + part.length);
      cursor.column += part.length;
      if (cursor.column > width) throw new Error(`wider than ${width}: ${part}`);
    }
  }
  return lines;
}

const watching = (looks: readonly (readonly LiveStage[] | Error)[], signal = new AbortController().signal): Watch => {
  let number = 0;
  return {
    look: async () => {
      const found = looks[Math.min(number, looks.length - 1)] ?? [];
      number += 1;
      if (found instanceof Error) throw found;
      return found;
    },
    isOver: (stages) => stages.every(({ state }) => state === "complete"),
    intervalSeconds: 0.001,
    timeoutSeconds: 5,
    signal,
  };
};

const done = stage({ state: "complete", pods: { wanted: 2, running: 0, succeeded: 2, failed: 0, restarts: 0 } });

describe("the status", () => {
  it("has a row a stage, and below it progress, reason and last error", () => {
    const failed = stage({
      state: "failed",
      pods: { wanted: 2, running: 0, succeeded: 0, failed: 1, restarts: 1 },
      reason: "PodFailurePolicy: no use",
      lastError: { pod: "t2v-pretrain-1-x", exitCode: 71, message: "ascend: error:\n no weights" },
      endedAt: "2026-01-01T00:01:00Z",
    });
    expect(statusLines([failed], now, terminal())).toEqual([
      "RUN  STAGE     STATE   PODS                           NODES           TIME",
      "t2v  pretrain  failed  0/2 done, 1 failed, 1 restart  node-1, node-2  1m00s",
      `  [####${".".repeat(36)}] 10/100 (10%), 500 ms a step, 45s left`,
      "  t2v-pretrain failed: PodFailurePolicy: no use",
      "  last error: pod t2v-pretrain-1-x ended with 71: ascend: error: no weights",
    ]);
  });

  it("keeps silent of errors that a complete stage has left behind", () => {
    const mended = { ...done, lastError: { pod: "p", exitCode: 1 } };
    expect(statusLines([mended], now, terminal()).join("\n")).not.toContain("last error");
  });

  it("has colours and bars of its width on a terminal, and no sequence at all on a pipe", () => {
    expect(statusLines([stage()], now, terminal()).join("\n")).not.toContain("\u001B");
    const [heading, row, bar = ""] = statusLines([stage()], now, terminal({ width: 60, rows: 24 }));
    expect(heading).toContain("\u001B[1m");
    expect(row).toContain("\u001B[33m");
    expect(bar.length).toBeLessThanOrEqual(60);
    expect(bar).toMatch(/^ {2}\[#+\.+\] /);
  });
});

describe("watching on a terminal", () => {
  it("draws each status over the one before and leaves the last", async () => {
    const size = { width: 80, rows: 24 };
    const out = terminal(size);
    out.print("$ ascend status\n");
    const more = [stage(), stage({ name: "b", stage: "inference", state: "waiting", nodes: [] })];
    const stages = await watchStages(watching([more, [stage()], [done]]), out);
    expect(stages).toEqual([done]);
    const shown = screen(out.printed, size.width);
    expect(shown[0]).toBe("$ ascend status");
    expect(shown.filter((line) => line.includes("pretrain"))).toHaveLength(1);
    expect(shown.join("\n")).toMatch(/pretrain +complete/);
    expect(shown.join("\n")).not.toContain("inference");
  });

  it.each([
    [20, 24],
    [40, 5],
    [200, 3],
  ])("never wraps or scrolls away at %d columns and %d rows", async (width, rows) => {
    const out = terminal({ width, rows });
    const many = Array.from({ length: 8 }, (_, index) => stage({ name: `s${index}`, reason: "x".repeat(300) }));
    await watchStages(watching([many, many, [done]]), out);
    expect(screen(out.printed, width).length).toBeLessThanOrEqual(rows + 1);
  });

  it("goes on after trouble with the cluster, and says so meanwhile", async () => {
    const out = terminal({ width: 80, rows: 24 });
    expect(await watchStages(watching([[stage()], new Error("no answer"), [done]]), out)).toEqual([done]);
    expect(out.printed).toContain("no answer; trying again");
    expect(screen(out.printed, 80).join("\n")).not.toContain("no answer");
    await expect(watchStages(watching([new Error("no answer")]), out)).rejects.toThrow("no answer");
  });

  it.each([[0], [20]])("ends when it is told to, also in the middle of a look of %d ms", async (milliseconds) => {
    const end = new AbortController();
    setTimeout(() => end.abort(), milliseconds);
    const endless = { ...watching([[stage()]], end.signal), look: () => new Promise<never>(() => undefined) };
    expect(await watchStages(endless, terminal())).toBeUndefined();
    const again = new AbortController();
    setTimeout(() => again.abort(), milliseconds);
    const resting = { ...watching([[stage()]], again.signal), intervalSeconds: 60 };
    expect(await watchStages(resting, terminal())).toBeUndefined();
  });

  it("ends with what is there when the time is up", async () => {
    const watch = { ...watching([[stage()]]), timeoutSeconds: 0.05 };
    expect(await watchStages(watch, terminal())).toEqual([stage()]);
  });
});

it("watching on a pipe prints a line per change and nothing when only time passes", async () => {
  const out = terminal();
  const later = stage({ progress: { iteration: 11, iterations: 100, stepMilliseconds: 500, secondsLeft: 44 } });
  const slower = stage({ progress: { iteration: 11, iterations: 100, stepMilliseconds: 500, secondsLeft: 50 } });
  await watchStages(watching([[stage()], [stage()], [later], [slower], new Error("gone"), [later], [done]]), out);
  expect(out.printed.split("\n")).toEqual([
    "t2v  pretrain  running  0/2 done, 2 running; 10/100 (10%), 500 ms a step",
    "t2v  pretrain  running  0/2 done, 2 running; 11/100 (11%), 500 ms a step",
    "gone; trying again",
    "t2v  pretrain  complete  2/2 done; 10/100 (10%), 500 ms a step",
    "",
  ]);
});

describe("pods", () => {
  const pod = (name: string, minute: number, change: object = {}): V1Pod => ({
    metadata: { name, creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, minute)) },
    ...change,
  });
  const ended = (exitCode: number, minute: number, message?: string, restartCount = 0) => ({
    status: {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      containerStatuses: [
        {
          name: "ascend",
          restartCount,
          state: {
            terminated: {
              exitCode,
              reason: "Error",
              finishedAt: new Date(Date.UTC(2026, 0, 1, 1, minute)),
              ...(message === undefined ? {} : { message }),
            },
          },
        },
      ],
    },
  });

  it("tell the newest error: the termination message, else what the cluster says", () => {
    const pods = [pod("a", 0, ended(71, 5, "old")), pod("b", 1, ended(13, 9, "new\n")), pod("c", 2, ended(0, 20))];
    const found = lastFailure(pods);
    expect(found).toEqual({ pod: "b", exitCode: 13, message: "new", at: "2026-01-01T01:09:00.000Z" });
    expect(found === undefined ? "" : failureText(found)).toBe("last error: pod b ended with 13: new");
    expect(lastFailure([pod("a", 0, ended(137, 5))])).toMatchObject({ exitCode: 137, message: "Error" });
    expect(lastFailure([pod("a", 0, { status: { phase: "Failed", reason: "Evicted", message: "disk" } })])).toEqual({
      pod: "a",
      message: "disk",
    });
    expect(lastFailure([pod("c", 2, ended(0, 20))])).toBeUndefined();
  });

  it("tell how often a stage was started again", () => {
    const two = [pod("a", 0), pod("b", 0)];
    expect(restartsOf(two, 2)).toBe(0);
    expect(restartsOf([], 2)).toBe(0);
    expect(restartsOf([...two, pod("c", 5)], 2)).toBe(1);
    expect(restartsOf(two, 2, 3)).toBe(3);
    expect(restartsOf([pod("a", 0, ended(1, 1, "x", 2))], 1)).toBe(2);
  });
});
