import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { iterationLine } from "../../images/runtime/iteration-lines.ts";
import { writePodLogs } from "../../tools/virtual-cluster/pod-logs.ts";
import {
  changedStack,
  closeWorkbench,
  endPod,
  eventually,
  openWorkbench,
  projectFolder,
  pulumi,
  pulumiSucceeds,
  runOn,
  stagePods,
  type Workbench,
  whileStagesEnd,
} from "./workbench.ts";

/** `ascend status --watch` on a pseudo terminal and on a pipe, beside a training whose pods are simulated and whose log is written. */

const namespace = "osp-t2v";
const program = ["node", join(projectFolder, "bin", "ascend.mjs"), "status", "local", "--watch", "--interval", "0.5"];

let bench: Workbench;
const children: ChildProcess[] = [];

beforeAll(async () => {
  bench = await openWorkbench(2);
  await pulumi(bench, "stack", "init", "local");
  const running = changedStack(bench, "local", "running", runOn);
  const up = ["up", "--stack", "local", "--config-file", running, "--yes", "--skip-preview", "--suppress-outputs"];
  await whileStagesEnd(bench, namespace, pulumiSucceeds(bench, ...up));
  await trainingPod();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await closeWorkbench(bench);
});

const trainingPod = () =>
  eventually("the training pod runs", async () =>
    (await stagePods(bench, namespace, /pretrain$/)).find(({ status }) => status?.phase === "Running"),
  );

const log = (...iterations: readonly number[]): Promise<void> =>
  writePodLogs(
    bench.cluster.folder,
    { name: "training", namespace, container: "ascend" },
    iterations.map((iteration) => iterationLine({ iteration, target: 5000, milliseconds: 1000, loss: "1.5E-01" })),
  );

/** A watch that is running; `shows` resolves when a pattern has been printed. */
function watching(words: readonly string[]) {
  const [command = "", ...rest] = words;
  const child = spawn(command, rest, { env: { ...process.env, ...bench.engine.environment }, cwd: projectFolder });
  children.push(child);
  const printed = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => {
      printed.text += data.toString();
    });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  const shows = (pattern: RegExp) =>
    eventually(`the watch shows ${pattern}`, async () => (pattern.test(printed.text) ? true : undefined));
  return { child, printed, code, shows };
}

const quoted = program.map((word) => `'${word}'`).join(" ");

/** `script` of util-linux gives the program a terminal and passes on its exit code and what is typed. */
const onTerminal = () =>
  watching(["script", "--quiet", "--return", "--command", `stty cols 100 rows 30; exec ${quoted}`, "/dev/null"]);

it("redraws bar, pace and time left on a terminal, and ends with 130 and no stack trace on Ctrl-C", async () => {
  await log(100);
  const { child, printed, code, shows } = onTerminal();
  await shows(/\[#*\.+\] 100\/5000 \(2%\), 1000 ms a step, \S+ samples\/s, loss 1\.5E-01/);
  await log(100, 2500);
  await shows(/\[#+\.+\] 2500\/5000 \(50%\)/);
  child.stdin?.write("\u0003");
  expect(await code).toBe(130);
  expect(printed.text).toContain("\u001B[");
  expect(printed.text).not.toMatch(/\n\s+at |Error/);
});

it("prints a line per change on a pipe, and ends with 1 and the last error when the training fails", async () => {
  await log(2500);
  const { printed, code, shows } = watching(program);
  await shows(/pretrain {2}running .*2500\/5000/);
  await log(2501);
  await shows(/2501\/5000/);
  const pod = await trainingPod();
  if (pod === undefined) throw new Error("no pod");
  await endPod(bench, pod, 71);
  expect(await code).toBe(1);
  const lines = printed.text.trimEnd().split("\n");
  expect(printed.text).not.toContain("\u001B");
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines.at(-1)).toMatch(
    /pretrain {2}failed {2}0\/1 done, 1 failed; .*; last error: pod \S+ ended with 71: simulated end$/,
  );
});
