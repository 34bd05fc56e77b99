import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { environmentShape } from "../recipes/catalogue.ts";
import { ConfigurationError } from "./diagnostics.ts";
import { type LoadedStack, loadFromEngine, loadStack } from "./load.ts";

const project = join(import.meta.dirname, "..", "..");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ascend-config-"));
  mkdirSync(join(folder, "stacks"), { recursive: true });
  cpSync(join(project, "stacks", "bases"), join(folder, "stacks", "bases"), { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const digest = "0".repeat(64);

type Data = Record<string, unknown>;

const minimal = (): Data => ({
  extends: "atlas-800t-a2",
  namespace: "osp",
  cluster: { nodes: 4 },
  image: { reference: `registry.example.com/image@sha256:${digest}` },
  storage: {
    weights: { claim: "w" },
    dataset: { nfs: { server: "nas", path: "/videos" } },
    checkpoints: { size: "10Ti" },
  },
  runs: { first: { recipe: "opensoraplan1.3/t2v" } },
});

const asFile = (environment: unknown): string => stringify({ config: { "ascend-stacks:environment": environment } });

function loadText(text: string): LoadedStack {
  writeFileSync(join(folder, "stacks", "Pulumi.dev.yaml"), text);
  return loadStack({ projectFolder: folder, shape: environmentShape, stack: "dev" });
}

const load = (environment: unknown): LoadedStack => loadText(asFile(environment));

function mistakes(work: () => unknown): ConfigurationError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

/** A copy with the value at a dotted path replaced. */
function withValue(path: string, value: unknown): Data {
  const copy = structuredClone(minimal());
  const keys = path.split(".");
  let current: Data = copy;
  for (const key of keys.slice(0, -1)) {
    current[key] ??= {};
    current = current[key] as Data;
  }
  current[keys.at(-1) ?? ""] = value;
  return copy;
}

describe("a stack file", () => {
  it("gets upstream's defaults", () => {
    expect(load(minimal()).environment.runs.first).toMatchObject({
      nodes: 1,
      resolution: "dynamic",
      parallel: { tensor: 1, context: 1, sequence: true, contextAlgorithm: { kind: "ulysses" } },
      batch: { micro: 1 },
      training: { iterations: 5000, saveInterval: 10_000, learningRate: 1e-5, recomputeLayers: 32, masterPort: 29_505 },
      stages: ["convertVae", "convertDit", "prepareDataset", "pretrain"],
    });
  });

  it("inherits from its base, wins over it, and removes with null", () => {
    const { cluster } = load(minimal()).environment;
    expect(cluster).toMatchObject({
      nodeShape: "atlas-800t-a2",
      nodes: 4,
      nodeSelector: { "accelerator-type": "module-910b-8" },
    });
    expect(load(withValue("cluster.nodeSelector", null)).environment.cluster.nodeSelector).toEqual({});
    expect(load(withValue("cluster.nodeShape", "atlas-800t-a3")).environment.cluster.nodeShape).toBe("atlas-800t-a3");
  });

  it.each([
    ["namespace", "Osp"],
    ["namespace", 7],
    ["labels", { "bad key": "x" }],
    ["labels", { team: "a b" }],
    ["cluster.nodes", 0],
    ["cluster.nodes", 1.5],
    ["cluster.nodes", "4"],
    ["cluster.scheduler", { kind: "slurm" }],
    ["cluster.network", { interface: "" }],
    ["image.reference", "registry.example.com/image:latest"],
    ["image.reference", `registry.example.com/image@sha256:${digest.slice(1)}`],
    ["image.registryCredentials", { server: "r", username: "u", password: "in the clear" }],
    ["image.registryCredentials", { externalSecret: { store: "vault" } }],
    ["image.registryCredentials", { sealedSecret: "AgB", server: "r" }],
    ["storage.weights", { claim: "w", size: "1Gi" }],
    ["storage.weights", {}],
    ["storage.weights", { claim: "w", mountPath: "relative" }],
    ["storage.weights", { claim: "w", mountPath: "/mnt/../etc" }],
    ["storage.weights", { claim: "w", readOnly: true }],
    ["storage.weights", { claim: "w", storageClass: "fast" }],
    ["storage.weights", { claim: "w", mountPath: "/mnt/checkpoints/w" }],
    ["storage.weights", { claim: "w", mountPath: "/etc" }],
    ["storage.checkpoints", { size: "ten" }],
    ["runs", {}],
    ["runs", { "1st": { recipe: "opensoraplan1.3/t2v" } }],
    ["runs", { [`a${"b".repeat(30)}`]: { recipe: "opensoraplan1.3/t2v" } }],
    ["runs.first.recipe", "opensora"],
    ["runs.first.stages", []],
    ["runs.first.stages", ["pretrain", "pretrain"]],
    ["runs.first.nodes", 5],
    ["runs.first.npusPerNode", 9],
    ["runs.first.sources", { vae: "/absolute" }],
    ["runs.first.sources", { vae: "../outside" }],
    ["runs.first.dataset", { annotations: ["notes.csv"] }],
    ["runs.first.batch", { accumulation: 2, global: 16 }],
    ["runs.first.training", { learningRate: 0 }],
    ["runs.first.training", { masterPort: 80 }],
    ["runs.first.environmentVariables", { RANK: 1 }],
    ["runs.first.environmentVariables", { MINDX_TASK_ID: "x" }],
    ["runs.first.environmentVariables", { "1A": "x" }],
    ["runs.first.resources", { memoryGiB: 32, sharedMemoryGiB: 32 }],
    ["runs.first.restarts", -1],
  ])("is refused with %s: %j", (path, value) => {
    const error = mistakes(() => load(withValue(path, value)));
    expect(error.diagnostics.length).toBeGreaterThan(0);
    for (const found of error.diagnostics)
      expect(found).toMatchObject({
        file: expect.stringMatching(/^stacks\//),
        line: expect.any(Number),
        column: expect.any(Number),
      });
  });

  it.each([
    ["labels", { "example.com/team": "video" }],
    ["image.reference", `registry.example.com:5000/a/b:26.0.0@sha256:${digest}`],
    ["storage.weights", { size: "1.5Ti", storageClass: "fast", accessMode: "ReadWriteOnce" }],
    ["runs.first.npusPerNode", 3],
    ["runs.first.stages", ["pretrain"]],
    ["runs.first.environmentVariables", { HCCL_CONNECT_TIMEOUT: 1800, TOKENIZERS_PARALLELISM: false }],
    ["runs.first.parallel", { contextAlgorithm: { kind: "hybrid", ulyssesDegree: 2 } }],
  ])("is accepted with %s: %j", (path, value) => {
    expect(load(withValue(path, value)).environment).toBeDefined();
  });

  it("needs shared volumes for several nodes", () => {
    const two = withValue("runs.first.nodes", 2);
    (two.storage as Data).checkpoints = { size: "1Ti", accessMode: "ReadWriteOnce" };
    expect(mistakes(() => load(two)).message).toContain("storage.checkpoints.accessMode");
  });

  it("reports every mistake at once, each with position, what was got, what is allowed and what is nearest", () => {
    writeFileSync(join(folder, "stacks", "bases", "own.yaml"), "cluster:\n  nodeShape: atlas-800t-a1\n  nodez: 3\n");
    const text = `config:
  ascend-stacks:environment:
    extends: [own, atlas-800t-b2]
    namespace: Video
    cluster:
      nodes: 2
    image:
      reference: registry.example.com/training:latest
    storage:
      weights: { claim: weights, claimm: other }
      dataset: { }
      checkpoints: { size: 10Ti }
    runs:
      t2v:
        recipe: opensoraplan1.3/t2v
        stages: [convertVae, pretrian]
        training: { iterations: many, savInterval: 5 }
        environmentVariables: { WORLD_SIZE: 8 }
`;
    expect(mistakes(() => loadText(text)).message).toMatchInlineSnapshot(`
      "stack dev: 11 mistakes; nothing was created
        error: stacks/Pulumi.dev.yaml:3:20: extends: no such base in stacks/bases; got atlas-800t-b2; allowed: atlas-200t-a2-box16, atlas-800t-a2, atlas-800t-a3, atlas-900-a3-superpod, guide, own; nearest: atlas-800t-a2, atlas-800t-a3, atlas-200t-a2-box16
        error: stacks/Pulumi.dev.yaml:4:16: namespace: must be a DNS label: lower-case letters, digits and inner dashes, e.g. osp-t2v; got "Video"
        error: stacks/Pulumi.dev.yaml:8:18: image.reference: must be repository@sha256:<64 hexadecimal digits>; a tag alone can move under a running job; got "registry.example.com/training:latest"
        error: stacks/Pulumi.dev.yaml:10:42: storage.weights.claimm: unknown key; allowed: mountPath, subPath, readOnly, claim, nfs, csi, size, storageClass, accessMode, retain; nearest: claim
        error: stacks/Pulumi.dev.yaml:11:7: storage.dataset: a volume needs exactly one of claim, nfs, csi and size; got none; allowed: claim, nfs, csi or size
        error: stacks/Pulumi.dev.yaml:16:30: runs.t2v.stages[1]: not one of the allowed values; got "pretrian"; allowed: download, convertVae, convertDit, prepareDataset, pretrain, resplit, inference, evaluate; nearest: pretrain
        error: stacks/Pulumi.dev.yaml:17:33: runs.t2v.training.iterations: has the wrong type; got "many"; allowed: number
        error: stacks/Pulumi.dev.yaml:17:52: runs.t2v.training.savInterval: unknown key; allowed: iterations, saveInterval, keepLast, keepEvery, saveOnStop, logInterval, evaluationInterval, evaluationIterations, learningRate, minimumLearningRate, weightDecay, warmupIterations, clipGradient, recomputeLayers, workers, masterPort; nearest: saveInterval, logInterval, evaluationInterval
        error: stacks/Pulumi.dev.yaml:18:45: runs.t2v.environmentVariables.WORLD_SIZE: the key is set by the scheduler or the launcher and cannot be set here; got WORLD_SIZE
        error: stacks/bases/own.yaml:2:14: cluster.nodeShape: not one of the allowed values; got "atlas-800t-a1"; allowed: atlas-800t-a2, atlas-200t-a2-box16, atlas-800t-a3, atlas-900-a3-superpod; nearest: atlas-800t-a2, atlas-800t-a3, atlas-200t-a2-box16
        error: stacks/bases/own.yaml:3:10: cluster.nodez: unknown key; allowed: nodeShape, nodes, resourcePreset, resourceName, schedulePolicy, scheduler, superPod, network, driverMounts, nodeSelector, tolerations, podLabels, podAnnotations; nearest: nodes"
    `);
  });

  it.each([
    ["no YAML", "config: [", "not valid YAML"],
    ["a key twice", "config: {}\nconfig: {}\n", "not valid YAML"],
    ["an alias", "config:\n  a: &a 1\n  b: *a\n", "aliases"],
    ["nothing", "", "a stack file is a map"],
    ["a list", "- a\n", "a stack file is a map"],
    ["no environment", "config: {}\n", "holds no ascend-stacks:environment"],
    ["a strange top-level key", `${asFile(minimal())}confg: {}\n`, "unknown key confg"],
    ["a misspelt key of ours", "config:\n  ascend-stacks:enviroment: {}\n", "unknown key ascend-stacks:enviroment"],
  ])("is refused when it holds %s", (_, text, message) => {
    expect(mistakes(() => loadText(text)).message).toContain(message);
  });

  it("leaves other namespaces of the configuration alone", () => {
    expect(
      loadText(`${asFile(minimal())}  kubernetes:context: production\nencryptionsalt: v1:abc\n`).environment.namespace,
    ).toBe("osp");
  });

  it("may not extend itself, directly or not", () => {
    writeFileSync(join(folder, "stacks", "bases", "a.yaml"), "extends: b\n");
    writeFileSync(join(folder, "stacks", "bases", "b.yaml"), "extends: a\n");
    expect(mistakes(() => load({ ...minimal(), extends: "a" })).message).toContain("extends itself: a → b → a");
  });

  it("that is not there lists those that are", () => {
    loadText(asFile(minimal()));
    const error = mistakes(() => loadStack({ projectFolder: folder, shape: environmentShape, stack: "prod" }));
    expect(error.message).toContain("there is no such stack file; got prod; allowed: dev");
    expect(
      mistakes(() => loadStack({ projectFolder: folder, shape: environmentShape, stack: "../../etc/passwd" })).message,
    ).toContain("no such stack file");
  });
});

describe("secrets", () => {
  const secured = (): Data =>
    withValue("image.registryCredentials", { server: "r", username: "u", password: { secure: "v1:ciphertext" } });

  it("are never shown, however the environment is printed", () => {
    const { environment } = load(secured());
    for (const text of [
      JSON.stringify(environment),
      inspect(environment, { depth: 20 }),
      Object.values(environment.image.registryCredentials ?? {}).join(),
    ]) {
      expect(text).toContain("a secret");
      expect(text).not.toContain("ciphertext");
    }
  });

  it("stay out of findings about what the engine passes in clear", () => {
    const engineValue = withValue("image.registryCredentials", { server: 5, username: "u", password: "hunter2" });
    const error = mistakes(() =>
      loadFromEngine({ projectFolder: folder, shape: environmentShape, stack: "dev", engineValue }),
    );
    expect(error.message).not.toContain("hunter2");
    expect(error.message).toContain("(configuration of stack dev): image.registryCredentials.server");
  });

  it("are the same whether the engine or the file is read", () => {
    const fromFile = load(secured()).environment;
    const engineValue = withValue("image.registryCredentials", { server: "r", username: "u", password: "hunter2" });
    expect(
      loadFromEngine({ projectFolder: folder, shape: environmentShape, stack: "dev", engineValue }).environment,
    ).toEqual(fromFile);
  });
});

describe("secrets that stand where none can", () => {
  const misplaced = (value: unknown): Data => {
    const data = minimal();
    data.runs = { first: { recipe: "opensoraplan1.3/t2v", environmentVariables: { NOTE: value } } };
    return data;
  };
  const fromEngine = (engineValue: Data, holdsSecrets: boolean) =>
    loadFromEngine({ projectFolder: folder, shape: environmentShape, stack: "dev", engineValue, holdsSecrets });

  it("are refused at their place when the stack file shows them", () => {
    mistakes(() => load(misplaced({ secure: "v1:ciphertext" })));
    const { message } = mistakes(() => fromEngine(misplaced("hunter2"), true));
    expect(message).toContain("runs.first.environmentVariables.NOTE");
    expect(message).not.toContain("hunter2");
  });

  it("are refused when only the engine knows of them", () => {
    const { message } = mistakes(() => fromEngine(misplaced("hunter2"), true));
    expect(message).toContain("holds an encrypted value where none can stand");
    expect(message).not.toContain("hunter2");
    expect(fromEngine(misplaced("plain"), false).environment.namespace).toBe("osp");
  });

  it("do not stand in the way of one that stands where it can", () => {
    const engineValue = withValue("image.registryCredentials", { server: "r", username: "u", password: "hunter2" });
    expect(fromEngine(engineValue, true).environment.image.registryCredentials).toMatchObject({ username: "u" });
  });
});

describe("what the engine passes", () => {
  it("has the positions of the file when both say the same", () => {
    const broken = withValue("cluster.nodes", 0);
    const fromFile = mistakes(() => load(broken)).message;
    expect(
      mistakes(() =>
        loadFromEngine({ projectFolder: folder, shape: environmentShape, stack: "dev", engineValue: broken }),
      ).message,
    ).toBe(fromFile);
  });

  it("counts when the file says something else", () => {
    load(minimal());
    expect(
      loadFromEngine({
        projectFolder: folder,
        shape: environmentShape,
        stack: "dev",
        engineValue: withValue("namespace", "other"),
      }).environment.namespace,
    ).toBe("other");
  });

  it.each([undefined, null, 5, "text", []])("is refused when it is %j", (engineValue) => {
    expect(
      mistakes(() => loadFromEngine({ projectFolder: folder, shape: environmentShape, stack: "dev", engineValue })),
    ).toBeInstanceOf(ConfigurationError);
  });
});

/** Runs a load that may fail, but only in the one way that users can read. */
function survives(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    if (!(error instanceof ConfigurationError)) return;
    expect(error.diagnostics.length).toBeGreaterThan(0);
    expect(error.message).not.toMatch(/\n\s+at |TypeError|undefined/);
  }
}

/** Replaces, removes or adds one value somewhere in plain data. */
function mutate(data: unknown, choices: readonly number[], value: unknown): unknown {
  const [choice = 0, ...rest] = choices;
  if (data === null || typeof data !== "object" || rest.length === 0) return value;
  const entries = Object.entries(data);
  if (entries.length === 0) return value;
  const [key, inner] = entries[choice % entries.length] ?? ["", undefined];
  if (rest.length === 1 && choice % 3 === 0) return Object.fromEntries(entries.filter(([other]) => other !== key));
  if (rest.length === 1 && choice % 3 === 1) return { ...data, [`${key}x`]: value };
  if (Array.isArray(data))
    return data.map((item: unknown, index) => (String(index) === key ? mutate(item, rest, value) : item));
  return { ...data, [key]: mutate(inner, rest, value) };
}

describe("no input gives a stack trace", () => {
  it("of arbitrary text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => survives(() => loadText(text))),
      { numRuns: 300 },
    );
  });

  it("of arbitrary data in place of the environment", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        survives(() => load(value));
        survives(() =>
          loadFromEngine({ projectFolder: folder, shape: environmentShape, stack: "dev", engineValue: value }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("of a good file with something wrong in it", () => {
    const real: unknown = (
      parse(readFileSync(join(project, "stacks", "Pulumi.local-2x8.yaml"), "utf8")) as { config: Data }
    ).config["ascend-stacks:environment"];
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
        fc.jsonValue({ maxDepth: 2 }),
        (choices, value) => {
          survives(() => load(mutate(real, choices, value)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of a good file with bytes changed", () => {
    const text = readFileSync(join(project, "stacks", "Pulumi.local.yaml"), "utf8");
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(20), fc.string({ maxLength: 5 }), (start, length, insert) => {
        survives(() => loadText(text.slice(0, start) + insert + text.slice(start + length)));
      }),
      { numRuns: 500 },
    );
  });
});
