import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AuthorizationV1Api, KubeConfig, KubernetesObjectApi, type V1Container } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { planCommand } from "../../src/cli/plan-command.ts";
import { renderCommand } from "../../src/cli/render-command.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { madeQueueName, queueingObjects } from "../../src/environment/queues.ts";
import { readStack } from "../../src/stack.ts";
import { run as runProgram } from "../../tools/processes.ts";
import {
  createProject,
  fail,
  pulumi as inProject,
  program,
  succeed,
} from "../../tools/stand-in-provider/e2e-project.ts";
import {
  ascend,
  changedStack,
  closeWorkbench,
  type EnvironmentData,
  eventually,
  jobOf,
  openWorkbench,
  projectFolder,
  pulumi,
  pulumiSucceeds,
  runOn,
  stagePods,
  type Workbench,
} from "./workbench.ts";

/**
 * A stack with everything that guards an environment, on a real API server with real admission: Pod Security, quota, defaults, RBAC,
 * priority, volumes. Not shown here: that network policies hold (no network plugin runs), that a CSI driver mounts, and that Kueue or
 * Volcano admit (their controllers are elsewhere).
 */

const namespace = "osp-secure";
const run = "t2v-93x480p";
const training = `${run}-pretrain`;
const canaries = { registry: "canary-registry-4f1d", variable: "canary-variable-77ab" } as const;
const quiet = ["--yes", "--skip-preview", "--suppress-outputs"];

let bench: Workbench;
let configuration: KubeConfig;
let file: string;
/** Everything that any program printed or wrote, to be searched for secrets. */
const printed: string[] = [];

function everything(environment: EnvironmentData): void {
  runOn(environment);
  environment.namespace = namespace;
  environment.security = { scratchGiB: 50, writablePaths: ["/opt/cache"] };
  environment.access = {
    deployers: [{ kind: "ServiceAccount", name: "pipeline", namespace: "delivery" }],
    viewers: [{ kind: "Group", name: "video-team" }],
    queueReader: true,
  };
  environment.networkPolicy = {
    egress: [{ cidr: "10.20.0.0/16", ports: [443] }],
    metricsFrom: { "kubernetes.io/metadata.name": "monitoring" },
  };
  environment.quota = {};
  environment.priority = { value: 1000 };
  environment.queue = { kueue: "video" };
  environment.storage = {
    weights: { claim: "brought" },
    dataset: { nfs: { server: "nas.example.com", path: "/clips", persistentVolume: { capacity: "2Ti" } } },
    checkpoints: {
      csi: {
        driver: "nas.csi.everest.io",
        volumeHandle: "8a7c",
        capacity: "10Ti",
        attributes: { share: "10.0.0.1:/share" },
        mountOptions: ["nfsvers=4.1"],
        secrets: { nodePublish: { name: "nas-key", namespace: "storage" } },
      },
    },
  };
  environment.runs[run].stages = ["pretrain"];
  environment.runs[run].secretVariables = { HF_TOKEN: { secret: "hub", key: "token" } };
}

const engine = async (...words: readonly string[]) => {
  const result = await pulumi(bench, words[0] ?? "", "--stack", "local", "--config-file", file, ...words.slice(1));
  printed.push(result.stdout, result.stderr);
  return result;
};

async function up(): Promise<void> {
  const { code, stdout, stderr } = await engine("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
}

async function appliedInputs(): Promise<readonly EnvironmentData[]> {
  const state = await pulumiSucceeds(bench, "stack", "export", "--stack", "local");
  printed.push(state);
  const resources: readonly EnvironmentData[] = JSON.parse(state).deployment.resources;
  return resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs);
}

/** Paths of inputs that the live object does not have as they were given. */
function missing(given: unknown, live: unknown, path = ""): readonly string[] {
  if (given === null || typeof given !== "object") return given === live ? [] : [`${path}: ${given} became ${live}`];
  const other = (live ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(given).flatMap(([key, value]) => missing(value, other[key], `${path}.${key}`));
}

beforeAll(async () => {
  bench = await openWorkbench(4);
  configuration = new KubeConfig();
  configuration.loadFromFile(bench.cluster.kubeconfig);
  file = changedStack(bench, "local", "secure", everything);
  await pulumiSucceeds(bench, "stack", "init", "local");
  const path = "ascend-stacks:environment.image.registryCredentials";
  const changed = parse(readFileSync(file, "utf8"));
  changed.config["ascend-stacks:environment"].image.registryCredentials = {
    server: "registry.example.com",
    username: "puller",
  };
  writeFileSync(file, stringify(changed));
  const secret = ["--secret", "--path", `${path}.password`, canaries.registry];
  await pulumiSucceeds(bench, "config", "set", "--stack", "local", "--config-file", file, ...secret);
});

afterAll(() => closeWorkbench(bench));

describe("a stack with everything that guards it", () => {
  it("previews, comes up, and has nothing to do afterwards", async () => {
    const { code, stdout, stderr } = await engine("preview");
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    await up();
    const again = await engine("preview", "--expect-no-changes");
    expect(again.code, again.stdout).toBe(0);
  });

  it("has every object in the cluster as it was given, with nothing pruned", async () => {
    const api = KubernetesObjectApi.makeApiClient(configuration);
    const inputs = await appliedInputs();
    const kinds = new Set(inputs.map(({ kind }) => kind));
    for (const kind of ["Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"])
      expect(kinds).toContain(kind);
    for (const kind of ["NetworkPolicy", "ResourceQuota", "LimitRange", "PriorityClass", "PersistentVolume"])
      expect(kinds).toContain(kind);
    for (const { stringData: _, ...given } of inputs) {
      // The client calls the fields `from` and `default` `_from` and `_default`.
      const live = JSON.parse(JSON.stringify(await api.read(given)).replaceAll(/"_(from|default)":/g, '"$1":'));
      expect(missing(given, live), `${given.kind} ${given.metadata.name}`).toEqual([]);
    }
  });

  it("binds its volumes to its claims", async () => {
    await eventually("both claims are bound", async () => {
      const { items } = await bench.core.listNamespacedPersistentVolumeClaim({ namespace });
      const bound = items.map(({ spec, status }) => [spec?.volumeName, status?.phase]);
      const wanted = [`${namespace}-checkpoints`, `${namespace}-dataset`].map((name) => [name, "Bound"]);
      return JSON.stringify(bound) === JSON.stringify(wanted) ? true : undefined;
    });
  });

  it("lets real pods in under the restricted level, with their priority and without a processor limit", async () => {
    const claim = {
      metadata: { name: "brought" },
      spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "1Ti" } } },
    };
    await bench.core.createNamespacedPersistentVolumeClaim({ namespace, body: claim });
    const [pod] = await eventually("the training pod runs", async () => {
      const pods = await stagePods(bench, namespace, /pretrain$/);
      return pods.some(({ status }) => status?.phase === "Running") ? pods : undefined;
    });
    const { metadata } = await bench.core.readNamespace({ name: namespace });
    expect(metadata?.labels?.["pod-security.kubernetes.io/enforce"]).toBe("restricted");
    expect(pod?.spec).toMatchObject({ priority: 1000, serviceAccountName: "ascend-stacks-stage" });
    const [container] = pod?.spec?.containers ?? [];
    expect(container?.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    expect(container?.resources?.limits).not.toHaveProperty("cpu");
    expect(container?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(
      expect.arrayContaining(["/tmp", "/home/training", "/opt/cache", "/workspace/MindSpeed-MM/kernel_meta"]),
    );
    expect(container?.env).toContainEqual({
      name: "HF_TOKEN",
      valueFrom: { secretKeyRef: { name: "hub", key: "token" } },
    });
    // Neither Pod Security nor the defaults for containers mount a token.
    expect(container?.volumeMounts?.map(({ name }) => name).join()).not.toContain("kube-api-access");
  });

  it("counts its pods against the quota", async () => {
    await eventually("the quota shows the training's NPUs", async () => {
      const { status } = await bench.core.readNamespacedResourceQuota({ namespace, name: "ascend-stacks" });
      return status?.used?.["requests.huawei.com/Ascend910"] === "8" ? true : undefined;
    });
  });

  const podWith = (spec: EnvironmentData, container: Partial<V1Container> = {}) => ({
    metadata: { name: "probe" },
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "probe",
          image: "registry.example.com/probe",
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          ...container,
        },
      ],
      ...spec,
    },
  });

  it.each<[string, ReturnType<typeof podWith>, RegExp]>([
    [
      "a host path",
      podWith({ volumes: [{ name: "x", hostPath: { path: "/usr" } }] }),
      /violates PodSecurity .*restricted volume types/,
    ],
    ["the host's network", podWith({ hostNetwork: true }), /violates PodSecurity/],
    ["root", podWith({ securityContext: { runAsUser: 0 } }), /violates PodSecurity/],
    [
      "more NPUs than the quota has left",
      podWith(
        {},
        { resources: { requests: { "huawei.com/Ascend910": "1" }, limits: { "huawei.com/Ascend910": "1" } } },
      ),
      /exceeded quota: ascend-stacks/,
    ],
  ])("refuses a pod with %s", async (_, body, message) => {
    const refused = await bench.core.createNamespacedPod({ namespace, body }).catch((error: unknown) => String(error));
    expect(refused).toMatch(message);
  });

  it("gives a container that asks for nothing the namespace's defaults", async () => {
    const made = await bench.core.createNamespacedPod({ namespace, body: podWith({}), dryRun: "All" });
    expect(made.spec?.containers[0]?.resources).toEqual({
      limits: { memory: "4Gi" },
      requests: { cpu: "1", memory: "4Gi" },
    });
  });

  const pipeline = { user: "system:serviceaccount:delivery:pipeline" };
  const viewer = { user: "somebody", groups: ["video-team"] };
  const account = { user: `system:serviceaccount:${namespace}:ascend-stacks-stage` };
  it.each<[string, { user: string; groups?: string[] }, string, string, string, boolean]>([
    ["a deployer", pipeline, "create", "batch", "jobs", true],
    ["a deployer", pipeline, "delete", "", "secrets", true],
    ["a deployer", pipeline, "get", "", "pods/log", true],
    ["a deployer", pipeline, "get", "scheduling.volcano.sh", "queues", true],
    ["a deployer", pipeline, "create", "", "pods", false],
    ["a deployer", pipeline, "update", "", "resourcequotas", false],
    ["a deployer", pipeline, "delete", "networking.k8s.io", "networkpolicies", false],
    ["a deployer", pipeline, "create", "rbac.authorization.k8s.io", "rolebindings", false],
    ["a viewer", viewer, "list", "batch", "jobs", true],
    ["a viewer", viewer, "get", "", "pods/log", true],
    ["a viewer", viewer, "watch", "", "events", true],
    ["a viewer", viewer, "get", "", "secrets", false],
    ["a viewer", viewer, "delete", "batch", "jobs", false],
    ["a stage pod's account", account, "get", "", "pods", false],
    ["a stage pod's account", account, "get", "", "secrets", false],
  ])("lets %s %s: %s %s/%s is %s", async (_, subject, verb, group, resource, allowed) => {
    const [name = "", subresource] = resource.split("/");
    const isQueue = name === "queues";
    const attributes = { verb, group, resource: name, ...(isQueue ? {} : { namespace }) };
    const { status } = await configuration.makeApiClient(AuthorizationV1Api).createSubjectAccessReview({
      body: {
        spec: {
          ...subject,
          resourceAttributes: { ...attributes, ...(subresource === undefined ? {} : { subresource }) },
        },
      },
    });
    expect(status?.allowed).toBe(allowed);
  });

  it("leaves the suspension of a job to Kueue, through a refresh and another update", async () => {
    const body = [{ op: "replace", path: "/spec/suspend", value: true }];
    await bench.batch.patchNamespacedJob({ namespace, name: training, body });
    const refreshed = await engine("refresh", "--yes", "--skip-preview");
    expect(refreshed.code, refreshed.stderr).toBe(0);
    const { code, stdout } = await engine("preview", "--expect-no-changes");
    expect(code, stdout).toBe(0);
    await up();
    const job = await jobOf(bench, namespace, training);
    expect(job?.spec?.suspend).toBe(true);
    expect(job?.metadata?.labels?.["kueue.x-k8s.io/queue-name"]).toBe("video");
  });
});

describe("Volcano's queue", () => {
  it("is taken by an API server that knows its fields, with nothing pruned", async () => {
    const { environment } = readStack(projectFolder, "local");
    const named = {
      environmentName: "local",
      environment: { ...environment, queue: { volcano: { weight: 2, reclaimable: false, npus: 32 } } },
    };
    expect(madeQueueName(named.environment)).toBe("ascend-stacks-osp-t2v");
    const [queue] = queueingObjects(named);
    if (queue === undefined) throw new Error("no queue");
    const api = KubernetesObjectApi.makeApiClient(configuration);
    await api.create({ ...queueDefinition }).catch((error: unknown) => {
      // The virtual cluster may have Volcano's own definition already.
      if (!String(error).includes("AlreadyExists")) throw error;
    });
    const live = await eventually("the queue is taken", () =>
      api.create(structuredClone(queue.manifest) as EnvironmentData).catch(() => undefined),
    );
    expect(missing(queue.manifest, JSON.parse(JSON.stringify(live)))).toEqual([]);
  });
});

/** The fields of Volcano's queue that this project sets, strict: others would be pruned. */
const queueDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "queues.scheduling.volcano.sh" },
  spec: {
    group: "scheduling.volcano.sh",
    scope: "Cluster",
    names: { kind: "Queue", plural: "queues", singular: "queue" },
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  weight: { type: "integer" },
                  reclaimable: { type: "boolean" },
                  capability: {
                    type: "object",
                    additionalProperties: { "x-kubernetes-int-or-string": true },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
} as const;

describe("secrets", () => {
  const captured: Terminal = {
    print: (text) => void printed.push(text),
    printError: (text) => void printed.push(text),
    bold: (text) => text,
    yellow: (text) => text,
    red: (text) => text,
    green: (text) => text,
    width: () => undefined,
    rows: () => undefined,
  };

  it("reach the cluster", async () => {
    const secret = await bench.core.readNamespacedSecret({ namespace, name: "ascend-stacks-registry" });
    expect(Buffer.from(secret.data?.[".dockerconfigjson"] ?? "", "base64").toString()).toContain(canaries.registry);
    await bench.core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: "hub" }, stringData: { token: canaries.variable } },
    });
  });

  it("stand nowhere else: not in what programs print, in the plan, in rendered files, in state, logs or other objects", async () => {
    const folder = join(bench.folder, "project");
    mkdirSync(join(folder, "stacks"), { recursive: true });
    symlinkSync(join(projectFolder, "stacks", "bases"), join(folder, "stacks", "bases"));
    copyFileSync(file, join(folder, "stacks", "Pulumi.local.yaml"));
    expect(planCommand(["local", "--json"], folder, captured)).toBe(0);
    expect(planCommand(["local"], folder, captured)).toBe(0);
    // Rendered files hold no secret at all: what cannot be rendered is refused, the rest is written.
    expect(() => renderCommand(["local", "--stdout"], folder, captured)).toThrow("holds a secret value");
    const withoutPassword = parse(readFileSync(file, "utf8"));
    delete withoutPassword.config["ascend-stacks:environment"].image.registryCredentials;
    writeFileSync(join(folder, "stacks", "Pulumi.local.yaml"), stringify(withoutPassword));
    expect(renderCommand(["local", "--stdout"], folder, captured)).toBe(0);
    const status = await ascend(bench, "status", "local", "--json");
    printed.push(status.stdout, status.stderr);
    const jobs = await bench.batch.listNamespacedJob({ namespace });
    const files = await bench.core.listNamespacedConfigMap({ namespace });
    const pods = await bench.core.listNamespacedPod({ namespace });
    printed.push(JSON.stringify([jobs, files, pods]));
    const written = readdirSync(bench.folder, { recursive: true, withFileTypes: true })
      // The API server's own store holds Secrets, and the tools' own programs are large.
      .filter((entry) => entry.isFile() && !/virtual-clusters|\/etcd|\/plugins\//.test(entry.parentPath))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
    const haystack = [...printed, ...written];
    expect(haystack.join("\n")).toContain("HF_TOKEN");
    for (const canary of Object.values(canaries)) {
      const forms = [
        canary,
        Buffer.from(canary).toString("base64"),
        Buffer.from(`puller:${canary}`).toString("base64"),
      ];
      for (const form of forms) expect(haystack.filter((text) => text.includes(form))).toEqual([]);
    }
  });

  it.each(["HUB_PASSWORD", "NOTE"])("in the variable %s are refused before they reach the state", async (name) => {
    const copy = changedStack(bench, "local", "misplaced", everything);
    const path = `ascend-stacks:environment.runs.${run}.environmentVariables.${name}`;
    const words = ["--stack", "local", "--config-file", copy];
    await pulumiSucceeds(bench, "config", "set", ...words, "--secret", "--path", path, canaries.variable);
    const { code, stdout, stderr } = await pulumi(bench, "preview", ...words);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("the configuration holds an encrypted value where none can stand");
    expect(stdout + stderr).toContain("secretVariables");
    expect(stdout + stderr).not.toContain(canaries.variable);
  });
});

describe("the policy pack under the real engine", () => {
  /** A copy for the language host of this checkout, which cannot run packs: the engine then looks for a plugin of this name. */
  function packFor(folder: string): string {
    const pack = join(folder, "pack");
    mkdirSync(pack);
    symlinkSync(join(projectFolder, "node_modules"), join(pack, "node_modules"));
    writeFileSync(join(pack, "PulumiPolicy.yaml"), "runtime: node-pack\n");
    copyFileSync(join(projectFolder, "policies", "package.json"), join(pack, "package.json"));
    const entry = readFileSync(join(projectFolder, "policies", "pack.mjs"), "utf8");
    const rules = join(projectFolder, "policies", "policies.ts");
    writeFileSync(join(pack, "pack.mjs"), entry.replace('"./policies.ts"', JSON.stringify(rules)));
    return pack;
  }

  function hostFor(folder: string): string {
    const path = join(folder, "pulumi-analyzer-policy-node-pack");
    const loader = join(projectFolder, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack");
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${loader}" "$@"\n`);
    chmodSync(path, 0o755);
    return folder;
  }

  it("lets the secure stack pass, and stops a Job that breaks its rules", async () => {
    const folder = join(bench.folder, "policies");
    mkdirSync(folder);
    const pack = packFor(folder);
    const environment = { ...bench.engine.environment, PATH: `${hostFor(folder)}:${bench.engine.environment.PATH}` };
    const words = ["preview", "--stack", "local", "--config-file", file, "--policy-pack", pack, "--non-interactive"];
    const passed = await runProgram(bench.engine.pulumi, words, { environment, folder: projectFolder });
    expect(passed.code, `${passed.stdout}\n${passed.stderr}`).toBe(0);
    expect(passed.stdout).toContain("ascend-stacks");

    const project = await createProject({ ...bench.engine, environment }, folder, "careless");
    program(
      project,
      `new k8s.batch.v1.Job("careless", { metadata: { name: "careless" }, spec: { template: { spec: {
        hostNetwork: true, restartPolicy: "Never",
        containers: [{ name: "main", image: "registry.example.com/careless:latest", env: [{ name: "HF_TOKEN", value: "x" }] }],
      } } } });`,
    );
    const refused = await fail(inProject(project, "preview", "--policy-pack", pack));
    for (const rule of ["image-by-digest", "no-host-namespaces", "no-secret-values", "non-root", "read-only-root"])
      expect(refused).toContain(rule);
    await succeed(inProject(project, "preview"));
  });
});

describe("the end", () => {
  it("leaves data and its volumes where they are", async () => {
    await engine("destroy", "--exclude-protected", ...quiet);
    const volumes = (await bench.core.listPersistentVolume()).items.map(({ metadata }) => metadata?.name);
    expect(volumes).toEqual(expect.arrayContaining([`${namespace}-checkpoints`, `${namespace}-dataset`]));
    expect(await bench.core.readNamespace({ name: namespace })).toBeDefined();
  });
});
