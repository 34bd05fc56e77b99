import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import {
  ascend,
  changedStack,
  closeWorkbench,
  type EnvironmentData,
  endPod,
  eventually,
  jobOf,
  openWorkbench,
  projectFolder,
  pulumi,
  pulumiSucceeds,
  runOn,
  stagePods,
  type Workbench,
  whileStagesEnd,
} from "./workbench.ts";

/**
 * An environment through the real engine and a real API server. Not shown here: the official Kubernetes provider where it cannot be
 * had (a stand-in takes its place), and what containers do (pods are simulated).
 */

const namespace = "osp-t2v";
const run = "t2v-93x480p";
const training = `${run}-pretrain`;
const quiet = ["--yes", "--skip-preview", "--suppress-outputs"];

let bench: Workbench;
let running: string;

beforeAll(async () => {
  bench = await openWorkbench(4);
  running = changedStack(bench, "local", "running", runOn);
});

afterAll(() => closeWorkbench(bench));

const up = (file: string) => pulumi(bench, "up", "--stack", "local", "--config-file", file, ...quiet);
const upSucceeds = (file: string) => pulumiSucceeds(bench, "up", "--stack", "local", "--config-file", file, ...quiet);
const uidOf = async (): Promise<string | undefined> => (await jobOf(bench, namespace, training))?.metadata?.uid;

const changed = (name: string, change: (environment: EnvironmentData) => void): string =>
  changedStack(bench, "local", name, (environment) => {
    runOn(environment);
    change(environment);
  });

describe("a stack on a cluster", () => {
  let uid: string | undefined;

  it("is refused as a whole when the file has mistakes, all of them named, without stack trace", async () => {
    await pulumi(bench, "stack", "init", "local");
    const broken = changed("broken", (environment) => {
      environment.runs[run].parallel = { tensor: 5 };
      environment.namespac = "x";
    });
    const result = await up(broken);
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toContain("namespac: unknown key");
    expect(result.stdout + result.stderr).not.toMatch(/\n\s+at .*\.ts:/);
    const layout = changed("layout", (environment) => {
      environment.runs[run].parallel = { tensor: 5 };
    });
    expect((await up(layout)).stdout).toContain(
      "tensor 5 × pipeline 1 × context 1 = 5 does not divide the 8 NPUs of the run (1 × 8)",
    );
    expect((await bench.core.listNamespace()).items.map(({ metadata }) => metadata?.name)).not.toContain(namespace);
  });

  it("waits for the processor stages, then starts the training and does not wait for it", async () => {
    await whileStagesEnd(bench, namespace, upSucceeds(running));
    const [pod] = await eventually("the training pod runs", async () => {
      const pods = await stagePods(bench, namespace, /pretrain$/);
      return pods.some(({ status }) => status?.phase === "Running") ? pods : undefined;
    });
    expect(pod?.spec?.containers[0]?.resources?.requests).toMatchObject({ "huawei.com/Ascend910": "8" });
    uid = await uidOf();
    expect(uid).toBeDefined();
  });

  it("shows stages, pods and nodes", async () => {
    const { code, stdout } = await ascend(bench, "status", "local", "--json");
    expect(code).toBe(0);
    const { stages } = JSON.parse(stdout);
    expect(stages.map(({ stage, state }: { stage: string; state: string }) => [stage, state])).toEqual([
      ["convertVae", "complete"],
      ["convertDit", "complete"],
      ["prepareDataset", "complete"],
      ["pretrain", "running"],
    ]);
    expect(stages[3]).toMatchObject({
      pods: { wanted: 1, running: 1 },
      nodes: [expect.stringMatching(/^atlas-800t-a2-000\d$/)],
    });
  });

  it("has nothing to do in a preview without changes", async () => {
    await pulumiSucceeds(bench, "preview", "--stack", "local", "--config-file", running, "--expect-no-changes");
  });

  it("holds exactly what `ascend render` writes for Git", async () => {
    const { stdout } = await pulumi(bench, "stack", "export", "--stack", "local");
    const resources: readonly EnvironmentData[] = JSON.parse(stdout).deployment.resources;
    const applied = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs);
    const rendered = parseAllDocuments((await ascend(bench, "render", "local", "--stdout")).stdout).map((document) =>
      document.toJS(),
    );
    const key = ({ kind, metadata }: EnvironmentData): string => `${kind}/${metadata.name}`;
    const byKey = (objects: readonly EnvironmentData[]) =>
      Object.fromEntries(objects.map((object) => [key(object), object]));
    // The running copy differs from the committed stack in its pods' annotations alone.
    const withoutSimulation = (object: EnvironmentData): EnvironmentData => {
      const copy = structuredClone(object);
      if (copy.spec?.template !== undefined) delete copy.spec.template.metadata.annotations;
      return copy;
    };
    expect(byKey(applied.map(withoutSimulation))).toEqual(byKey(rendered.map(withoutSimulation)));
  });

  it("takes a hot change without touching the running training", async () => {
    const hot = changed("hot", (environment) => {
      environment.labels = { team: "video" };
      environment.runs[run].restarts = 5;
    });
    await upSucceeds(hot);
    const job = await jobOf(bench, namespace, training);
    expect(job?.metadata).toMatchObject({ uid, labels: { team: "video" } });
    expect(job?.spec?.backoffLimit).toBe(5);
    expect(job?.status?.active).toBe(1);
    running = hot;
  });

  it("refuses a change that would end the running training, and says how to allow it", async () => {
    const longer = changed("longer", (environment) => {
      environment.labels = { team: "video" };
      environment.runs[run].restarts = 5;
      environment.runs[run].training = { iterations: 6000 };
    });
    const before = await bench.core.listNamespacedConfigMap({ namespace });
    const result = await up(longer);
    expect(result.code).not.toBe(0);
    expect(result.stdout).toContain("marked for protection");
    expect(result.stdout).toContain(`add the run's name to allowReplacing`);
    expect(await uidOf()).toBe(uid);
    const after = await bench.core.listNamespacedConfigMap({ namespace });
    expect(after.items.map(({ metadata }) => metadata?.name)).toEqual(
      before.items.map(({ metadata }) => metadata?.name),
    );
    await pulumiSucceeds(bench, "preview", "--stack", "local", "--config-file", running, "--expect-no-changes");
  });

  it("has nothing to do after a refresh, while the training runs", async () => {
    await pulumiSucceeds(bench, "refresh", "--stack", "local", "--config-file", running, "--yes", "--skip-preview");
    expect(await uidOf()).toBe(uid);
    await pulumiSucceeds(bench, "preview", "--stack", "local", "--config-file", running, "--expect-no-changes");
  });

  it("does not end the training or its volumes in a destroy while the run is protected", async () => {
    const result = await pulumi(bench, "destroy", "--stack", "local", "--config-file", running, ...quiet);
    expect(result.code).not.toBe(0);
    expect(await uidOf()).toBe(uid);
  });

  it("replaces the training once the user names the run", async () => {
    const allowed = changed("allowed", (environment) => {
      environment.labels = { team: "video" };
      environment.runs[run].restarts = 5;
      environment.runs[run].training = { iterations: 6000 };
      environment.allowReplacing = [run];
    });
    // The refused destroy took the finished processor stages with it; they run again, and find their work done on a real volume.
    const first = await whileStagesEnd(bench, namespace, up(allowed));
    if (first.code !== 0) {
      // skipAwait also skips the wait for the old Job's end; then the new one is made by a second update.
      expect(first.stdout).toContain("is being deleted");
      await whileStagesEnd(bench, namespace, upSucceeds(allowed));
    }
    expect(await uidOf()).not.toBe(uid);
    running = allowed;
  });

  it("reports a training whose input is wrong as failed, at once and without retries", async () => {
    const [pod] = await eventually("the new training pod runs", async () => {
      const pods = (await stagePods(bench, namespace, /pretrain$/)).filter(({ status }) => status?.phase === "Running");
      return pods.length > 0 ? pods : undefined;
    });
    if (pod === undefined) throw new Error("no pod");
    await endPod(bench, pod, 71);
    await eventually("the Job fails", async () =>
      (await jobOf(bench, namespace, training))?.status?.conditions?.find(
        ({ type, status }) => type === "Failed" && status === "True",
      ),
    );
    const { code, stdout } = await ascend(bench, "status", "local");
    expect(code).toBe(1);
    expect(stdout).toMatch(/pretrain\s+failed/);
    expect(stdout).toContain("PodFailurePolicy");
    expect(await stagePods(bench, namespace, /pretrain$/)).toHaveLength(1);
  });

  it("keeps its volumes when it is destroyed", async () => {
    await pulumiSucceeds(
      bench,
      "destroy",
      "--stack",
      "local",
      "--config-file",
      running,
      "--exclude-protected",
      ...quiet,
    );
    expect(await jobOf(bench, namespace, training)).toBeUndefined();
    const claims = await bench.core.listNamespacedPersistentVolumeClaim({ namespace });
    expect(claims.items.map(({ metadata, status }) => [metadata?.name, status?.phase])).toEqual([
      ["checkpoints", "Bound"],
      ["dataset", "Bound"],
      ["weights", "Bound"],
    ]);
  });
});

describe("a secret of the configuration", () => {
  it("reaches the cluster, and neither state, output nor rendered files in clear", async () => {
    const file = changedStack(bench, "local", "secret", (environment) => {
      environment.namespace = "osp-secret";
      environment.runs[run].stages = ["convertVae"];
      environment.image.registryCredentials = { server: "registry.example.com", username: "puller" };
    });
    await pulumi(bench, "stack", "init", "local-2x8");
    const path = "ascend-stacks:environment.image.registryCredentials.password";
    await pulumiSucceeds(
      bench,
      "config",
      "set",
      "--stack",
      "local-2x8",
      "--config-file",
      file,
      "--secret",
      "--path",
      path,
      "hunter2-plain",
    );
    expect(readFileSync(file, "utf8")).toMatch(/secure: v1:/);
    const result = await pulumi(bench, "up", "--stack", "local-2x8", "--config-file", file, "--yes", "--skip-preview");
    expect(result).toMatchObject({ code: 0 });
    const secret = await bench.core.readNamespacedSecret({ namespace: "osp-secret", name: "ascend-stacks-registry" });
    const docker = JSON.parse(Buffer.from(secret.data?.[".dockerconfigjson"] ?? "", "base64").toString());
    expect(docker.auths["registry.example.com"]).toMatchObject({ username: "puller", password: "hunter2-plain" });
    const { stdout: state } = await pulumi(bench, "stack", "export", "--stack", "local-2x8");
    for (const text of [state, result.stdout, result.stderr]) {
      expect(text).not.toContain("hunter2-plain");
      expect(text).not.toContain(Buffer.from("puller:hunter2-plain").toString("base64"));
    }
    await pulumiSucceeds(
      bench,
      "destroy",
      "--stack",
      "local-2x8",
      "--config-file",
      file,
      "--exclude-protected",
      ...quiet,
    );
    await pulumiSucceeds(bench, "stack", "rm", "--stack", "local-2x8", "--yes", "--force", "--preserve-config");
  });
});

describe("two nodes", () => {
  it("train as one Job with a rank a node, and end complete", async () => {
    await pulumi(bench, "stack", "init", "local-2x8");
    await pulumiSucceeds(bench, "up", "--stack", "local-2x8", ...quiet);
    const { code, stdout } = await ascend(bench, "status", "local-2x8", "--wait", "--timeout", "120");
    expect(code).toBe(0);
    expect(stdout).toMatch(/pretrain\s+complete\s+2\/2 done\s+atlas-800t-a2-\d+, atlas-800t-a2-\d+/);
    const job = await jobOf(bench, "osp-t2v-2x8", training);
    expect(job?.spec).toMatchObject({ completionMode: "Indexed", completions: 2, parallelism: 2 });
  });

  it("leaves the committed stack files as they are", () => {
    for (const stack of ["local", "local-2x8"]) {
      const file = join(projectFolder, "stacks", `Pulumi.${stack}.yaml`);
      expect(existsSync(file)).toBe(true);
      expect(parse(readFileSync(file, "utf8"))).toHaveProperty("encryptionsalt");
    }
  });
});
