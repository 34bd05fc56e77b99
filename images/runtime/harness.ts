/** What the runtime's tests share: they run it as pods do, as a process, with real programs, files and signals. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { ContractInput, ContractOutput, StageContract } from "../../src/pipeline/contract.ts";

/** Folder of the runtime, which `python3` runs. */
export const runtime = import.meta.dirname;

/** How a process ended. Standard output is kept byte by byte, as Latin-1. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

let folder = "";
const children: ChildProcess[] = [];

/** Call once in a test file: gives every test an empty folder, and ends what it started. */
export function useRuntime(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ascend-runtime-"));
    mkdirSync(join(folder, "bin"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
}

/** A path in the test's folder. */
export const at = (...names: readonly string[]): string => join(folder, ...names);

/** Writes a file and the folders above it; returns its path. */
export function write(path: string, content: string | Uint8Array): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Puts a program on the path of the pod. */
export function script(name: string, body: string): void {
  chmodSync(write(at("bin", name), body), 0o755);
}

/** Starts the runtime; `ended` resolves when it is over. */
export function start(
  words: readonly string[],
  environment: Variables = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  // -S skips the machine's own packages, which the runtime does not use: it starts in half the time.
  const child = spawn("python3", ["-S", runtime, ...words], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${at("bin")}:${process.env.PATH}`,
      ASCEND_STACKS_TERMINATION_LOG: at("termination-log"),
      ASCEND_STACKS_SETTLE_SECONDS: "0.1",
      PYTHONDONTWRITEBYTECODE: "",
      PYTHONPYCACHEPREFIX: join(tmpdir(), "ascend-runtime-bytecode"),
      ...environment,
    },
  });
  children.push(child);
  const chunks: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => chunks.push(data));
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(chunks).toString("latin1"), stderr }));
  });
  return { child, ended };
}

/** Runs the runtime to its end. */
export const run = (words: readonly string[], environment: Variables = {}): Promise<Ended> =>
  start(words, environment).ended;

export const identity = { kind: "checkpoint", recipe: "test/model", key: "aaaa", layout: { tensor: 2 } };

/** Writes a contract of a stage without inputs and outputs, changed by `overrides`; returns its path. */
export function contract(overrides: Partial<StageContract> = {}): string {
  const whole: StageContract = {
    schemaVersion: 2,
    environment: "test",
    run: "run-a",
    stage: "pretrain",
    recipe: "test/model",
    image: "registry.example.com/image@sha256:0",
    launch: { kind: "process" },
    workingDirectory: folder,
    environmentScripts: [],
    patches: [],
    inputs: [],
    outputs: [],
    success: { kind: "outputs" },
    ...overrides,
  };
  return write(at("contract.json"), JSON.stringify(whole));
}

/** Launches a program under a contract, to its end. */
export const launch = (
  words: readonly string[],
  overrides: Partial<StageContract> = {},
  environment: Variables = {},
): Promise<Ended> => run(["launch", "--contract", contract(overrides), "--", ...words], environment);

export const rankFolders = ["mp_rank_00", "mp_rank_01"];

/** Writes a checkpoint folder with its tracker. */
export function checkpointFolder(path: string, tracker: string, ranks: readonly string[] = rankFolders): void {
  write(join(path, "latest_checkpointed_iteration.txt"), tracker);
  const named = tracker === "release" ? tracker : `iter_${tracker.padStart(7, "0")}`;
  for (const rank of ranks) write(join(path, named, rank, "model_optim_rng.pt"), "weights");
}

/** How several nodes are launched that take their rank from the scheduler. */
export const torchrun = (nodes = 1, port = 29505): StageContract["launch"] => ({
  kind: "torchrun",
  nodes,
  npusPerNode: 8,
  rendezvous: {
    nodeRank: { variable: "JOB_COMPLETION_INDEX" },
    masterAddress: { value: "127.0.0.1" },
    masterPort: { value: String(port) },
  },
});

/** A training of two model ranks that must reach iteration 10. */
export const training = (nodes = 1, port = 29505): Pick<StageContract, "launch" | "success"> => ({
  launch: torchrun(nodes, port),
  success: { kind: "checkpoint", folder: at("save"), iteration: 10, identity, rankFolders },
});

/** Shell lines of a program that saves iteration 10. */
export const saves = (tracker: string): string => `
mkdir -p ${at("save")}/iter_0000010/mp_rank_00 ${at("save")}/iter_0000010/mp_rank_01
for rank in 00 01; do echo weights > ${at("save")}/iter_0000010/mp_rank_$rank/model_optim_rng.pt; done
printf '${tracker}' > ${at("save")}/latest_checkpointed_iteration.txt
`;

export const rankZero = { JOB_COMPLETION_INDEX: "0" };

export const input = (overrides: Partial<ContractInput> = {}): ContractInput => ({
  title: "the weights",
  path: at("weights"),
  requiredFiles: [],
  remedy: "download them",
  ...overrides,
});

export const output = (overrides: Partial<ContractOutput> = {}): ContractOutput => ({
  title: "converted weights",
  path: at("volume", "converted"),
  identity: { kind: "vae-weights", recipe: "test", key: "k1", layout: {} },
  sources: [at("source")],
  requiredFiles: ["out.pt"],
  ...overrides,
});
