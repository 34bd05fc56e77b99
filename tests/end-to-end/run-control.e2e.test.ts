import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { type CommandResult, run as runCommand } from "../../tools/processes.ts";
import {
  closeWorkbench,
  type EnvironmentData,
  eventually,
  jobOf,
  openWorkbench,
  projectFolder,
  runOn,
  stagePods,
  type Workbench,
  whileStagesEnd,
} from "./workbench.ts";

/**
 * The few lawful things to do to a run that is there, and what `ascend plan --diff` says beforehand, through the real engine and a
 * real API server. One after the other: each test goes on from where the one before left the stack.
 */

const namespace = "osp-t2v";
const training = "t2v-93x480p-pretrain";
const run = "t2v-93x480p";
let bench: Workbench;
let project: string;

/** A project of its own, so that its stack file can be changed. */
function ownProject(): string {
  const folder = join(bench.folder, "project");
  mkdirSync(join(folder, "stacks"), { recursive: true });
  for (const name of [
    "bin",
    "src",
    "charts",
    "images",
    "index.ts",
    "package.json",
    "Pulumi.yaml",
    ".node-version",
    "tsconfig.json",
  ])
    cpSync(join(projectFolder, name), join(folder, name), { recursive: true });
  symlinkSync(join(projectFolder, "node_modules"), join(folder, "node_modules"));
  cpSync(join(projectFolder, "stacks", "bases"), join(folder, "stacks", "bases"), { recursive: true });
  return folder;
}

function writeStack(change: (environment: EnvironmentData) => void): void {
  const file: EnvironmentData = parse(readFileSync(join(projectFolder, "stacks", "Pulumi.local.yaml"), "utf8"));
  const environment = file.config["ascend-stacks:environment"];
  runOn(environment);
  change(environment);
  writeFileSync(join(project, "stacks", "Pulumi.local.yaml"), stringify(file));
}

const call = (program: string, words: readonly string[]): Promise<CommandResult> =>
  runCommand(program, words, { environment: bench.engine.environment, folder: project });
const ascend = (...words: readonly string[]) => call(process.execPath, [join(project, "bin", "ascend.mjs"), ...words]);
const up = () =>
  call(bench.engine.pulumi, [
    "up",
    "--stack",
    "local",
    "--yes",
    "--skip-preview",
    "--non-interactive",
    "--color",
    "never",
  ]);
const isActive = (): Promise<boolean> =>
  stagePods(bench, namespace, /pretrain$/).then((pods) => pods.some(({ status }) => status?.phase === "Running"));

beforeAll(async () => {
  bench = await openWorkbench(2);
  project = ownProject();
  writeStack(() => undefined);
  await call(bench.engine.pulumi, ["stack", "init", "local", "--non-interactive"]);
  const result = await whileStagesEnd(bench, namespace, up());
  expect(result).toMatchObject({ code: 0 });
  await eventually("the training runs", async () => ((await isActive()) ? true : undefined));
});

afterAll(() => closeWorkbench(bench));

it("plan --diff finds nothing right after an update", async () => {
  expect(await ascend("plan", "local", "--diff")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("changes nothing"),
  });
});

it("plan --diff calls restarts and labels hot, and other stages' changes next run", async () => {
  writeStack((environment) => {
    environment.runs[run].restarts = 3;
    environment.labels = { team: "video" };
    environment.runs.second = {
      recipe: "opensoraplan1.3/t2v",
      stages: ["prepareDataset"],
      dataset: { folder: "more" },
    };
  });
  const { code, stdout } = await ascend("plan", "local", "--diff", "--json");
  expect(code).toBe(0);
  const { changes } = JSON.parse(stdout) as {
    changes: { class: string; kind: string; name: string; fields: string[]; change: string }[];
  };
  expect(new Set(changes.map((change) => change.class))).toEqual(new Set(["hot", "next run"]));
  expect(changes.find(({ kind, name }) => kind === "Job" && name === training)).toMatchObject({
    class: "hot",
    fields: expect.arrayContaining(["spec.backoffLimit", "metadata.labels.team"]),
  });
  expect(changes.filter(({ change }) => change === "new").map(({ kind }) => kind)).toContain("Job");
});

it("plan --diff names the run that a change would end, and agrees with the engine", async () => {
  const uid = (await jobOf(bench, namespace, training))?.metadata?.uid;
  writeStack((environment) => {
    environment.runs[run].training = { learningRate: 5e-6, minimumLearningRate: 5e-6 };
  });
  const told = await ascend("plan", "local", "--diff");
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(new RegExp(`destructive +Job ${training} +replaced +ends run ${run}`));
  expect(told.stdout).toContain(`add ${run} to allowReplacing`);
  expect((await up()).code).not.toBe(0);
  expect((await jobOf(bench, namespace, training))?.metadata?.uid).toBe(uid);
  writeStack((environment) => {
    environment.runs[run].training = { learningRate: 5e-6, minimumLearningRate: 5e-6 };
    environment.allowReplacing = [run];
  });
  const allowed = await ascend("plan", "local", "--diff");
  expect(allowed.code).toBe(0);
  expect(allowed.stdout).toContain("destructive");
});

it("stop lets the training rest, resume lets it go on, and updates leave it at that", async () => {
  writeStack(() => undefined);
  const stopped = await ascend("stop", "local", run);
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining(`ascend resume local ${run}`) });
  await eventually("its pods are gone", async () => ((await isActive()) ? undefined : true));
  const status = JSON.parse((await ascend("status", "local", "--json")).stdout) as {
    stages: { name: string; state: string }[];
  };
  expect(status.stages.find(({ name }) => name === training)?.state).toBe("stopped");
  const again = await ascend("stop", "local", run);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing that could be stopped") });
  expect(await up()).toMatchObject({ code: 0 });
  expect((await jobOf(bench, namespace, training))?.spec?.suspend).toBe(true);
  expect(await ascend("resume", "local", run)).toMatchObject({ code: 0 });
  await eventually("it runs again", async () => ((await isActive()) ? true : undefined));
  expect(await ascend("resume", "local", run)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is not stopped"),
  });
});

it.each([
  [["stop", "local", "t2v-93x480"], `nearest: ${run}`],
  [["stop", "local"], "name one stack and one run"],
  [["retire", "local", run, "--yes"], "--yes"],
])("%j is answered with one line", async (words, message) => {
  const { code, stderr } = await ascend(...words);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/\n\s+at /);
});

it("retire refuses an active run, and frees a stopped one so that an update can remove it and nothing else", async () => {
  expect(await ascend("retire", "local", run)).toMatchObject({ code: 1, stderr: expect.stringContaining("is active") });
  await ascend("stop", "local", run);
  await eventually("its pods are gone", async () => ((await isActive()) ? undefined : true));
  expect(await ascend("retire", "local", run)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("no longer protected"),
  });
  writeStack((environment) => {
    environment.runs = { later: { recipe: "opensoraplan1.3/t2v", stages: ["prepareDataset"] } };
  });
  const gone = await ascend("plan", "local", "--diff");
  expect(gone).toMatchObject({ code: 0 });
  expect(gone.stdout).toContain(`Job ${training}`);
  expect(await whileStagesEnd(bench, namespace, up())).toMatchObject({ code: 0 });
  expect(await jobOf(bench, namespace, training)).toBeUndefined();
  const claims = await bench.core.listNamespacedPersistentVolumeClaim({ namespace });
  expect(claims.items.map(({ metadata }) => metadata?.name).sort()).toEqual(["checkpoints", "dataset", "weights"]);
});
