/** Reading what the runtime serves, as Prometheus does: HTTP, then the text format 0.0.4. */
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { StageContract } from "../../src/pipeline/contract.ts";
import { at, contract, type Ended, rankZero, saves, script, start, training, write } from "./harness.ts";

/** A sample of a metric. */
export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly type: string;
}

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().listen(0, () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });

const sampleForm = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)$/;

function numberOf(word: string): number {
  const named: Readonly<Record<string, number>> = {
    NaN: Number.NaN,
    "+Inf": Number.POSITIVE_INFINITY,
    "-Inf": Number.NEGATIVE_INFINITY,
  };
  const value = named[word] ?? (/^[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/.test(word) ? Number(word) : undefined);
  if (value === undefined) throw new Error(`no number of the format: ${word}`);
  return value;
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\([\\"n])/g, (_, character: string) => (character === "n" ? "\n" : character));

/** Samples by metric; throws on anything that is not the text format: order, names, escapes, numbers, the last line's end. */
export function parseExposition(text: string): ReadonlyMap<string, Sample> {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const found = new Map<string, Sample>();
  const types = new Map<string, string>();
  for (const line of text.split("\n").slice(0, -1)) {
    const type = /^# TYPE (\S+) (counter|gauge|untyped)$/.exec(line);
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "");
    if (/^# HELP \S+ \S/.test(line) || type !== null) continue;
    const [, name = "", labels = "", value = ""] = sampleForm.exec(line) ?? [];
    const kind = types.get(name);
    if (kind === undefined || found.has(name)) throw new Error(`a sample without type, or twice: ${line}`);
    const pairs = [...labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)];
    found.set(name, {
      value: numberOf(value),
      labels: Object.fromEntries(pairs.map(([, label = "", text = ""]) => [label, unescaped(text)])),
      type: kind,
    });
  }
  return found;
}

/** A training that is running, and can be told to go on. */
export interface Served {
  readonly port: number;
  readonly get: (path: string, method?: string) => Promise<Response>;
  readonly scrape: () => Promise<ReadonlyMap<string, Sample>>;
  /** Lets the program save and end. */
  readonly finish: () => Promise<Ended>;
}

/** How a test changes the training that is served. */
export interface Serving {
  readonly nodes?: number;
  readonly rank?: number;
  readonly port?: number;
  readonly overrides?: Partial<StageContract>;
  /** Shell lines after the log, before the program waits. */
  readonly afterwards?: string;
  /** Whether the contract asks for metrics; it does when absent. */
  readonly isAsked?: boolean;
  /** Resolves at the first output instead of at the log's end. */
  readonly isReadyAtOnce?: boolean;
}

/** Starts a training whose program prints `log`, and then waits; resolves when the log has been passed on. */
export async function serve(log: string, serving: Serving = {}): Promise<Served> {
  const { nodes = 1, rank = 0, afterwards = "" } = serving;
  const port = serving.port ?? (await freePort());
  // An earlier training of the same test has been told to go on; this one has to wait for its own word.
  rmSync(at("go"), { force: true });
  write(at("log"), `${log}\n`);
  script(
    "torchrun",
    `#!/bin/sh\ncat ${at("log")}\n${afterwards}\necho the log is over\nwhile [ ! -e ${at("go")} ]; do sleep 0.02; done\n${saves("10")}`,
  );
  const path = contract({
    ...training(nodes),
    ...(serving.isAsked === false ? {} : { metrics: { port } }),
    ...serving.overrides,
  });
  const { child, ended } = start(["launch", "--contract", path, "--", "pretrain.py"], {
    ...(rank === 0 ? rankZero : { JOB_COMPLETION_INDEX: String(rank) }),
    ASCEND_STACKS_TICK_SECONDS: "0.05",
  });
  let seen = "";
  await new Promise<void>((resolve) => {
    child.stdout?.on("data", (data: Buffer) => {
      seen = (seen + data.toString("latin1")).slice(-200);
      if (seen.includes("the log is over") || serving.isReadyAtOnce === true) resolve();
    });
    ended.then(() => resolve());
  });
  const get = (path: string, method = "GET"): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, signal: AbortSignal.timeout(10_000) });
  return {
    port,
    get,
    scrape: async () => parseExposition(await (await get("/metrics")).text()),
    finish: () => {
      write(at("go"), "");
      return ended;
    },
  };
}
