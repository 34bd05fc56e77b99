import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { planEnvironment } from "../pipeline/pipeline.ts";
import { plannedObjects } from "../planned-objects.ts";
import { planStack } from "../stack.ts";
import { argoCdApplication, argoCdApplicationSet } from "./argo-cd.ts";
import { deliveryAnnotations } from "./delivery.ts";
import { fluxObjects } from "./flux.ts";
import { pulumiOperatorStack } from "./pulumi-operator.ts";
import { kustomizationName, renderFiles, renderWaves, waveFolders, waveOf } from "./render.ts";
import { stackFolder } from "./source.ts";

const projectFolder = join(import.meta.dirname, "..", "..");
const { plan, objects } = planStack(projectFolder, "local");
const source = { repository: "https://git.example.com/team/deploy.git", revision: "main", path: "/deploy/" };
const stack = { name: "local", namespace: plan.environment.namespace };
const settings = { namespace: "argocd", project: "training", server: "https://kubernetes.default.svc" };

// biome-ignore lint/suspicious/noExplicitAny: generated objects are plain data of any kind here
const anyField = (value: unknown): any => value;

describe("annotations for delivery tools", () => {
  it("keep what the engine protects or retains, and nothing else", () => {
    for (const { isProtected, isRetained, manifest } of objects) {
      const isKept = isProtected || isRetained;
      expect(manifest.metadata.annotations["argocd.argoproj.io/sync-options"]).toBe(
        isKept ? "Prune=false,Delete=false" : undefined,
      );
      expect(manifest.metadata.annotations["kustomize.toolkit.fluxcd.io/prune"]).toBe(isKept ? "disabled" : undefined);
    }
    expect(objects.filter(({ isProtected }) => isProtected).map(({ manifest }) => manifest.kind)).toContain("Job");
  });

  it("let a training be made anew once its protection is lifted, but neither its volumes nor other Jobs", () => {
    const lifted = plannedObjects("local", planEnvironment({ ...plan.environment, allowReplacing: ["t2v-93x480p"] }));
    const forced = lifted.filter(
      ({ manifest }) => "kustomize.toolkit.fluxcd.io/force" in manifest.metadata.annotations,
    );
    expect(forced.map(({ manifest }) => `${manifest.kind} ${manifest.metadata.name}`)).toEqual([
      "Job t2v-93x480p-pretrain",
    ]);
    expect(forced[0]?.manifest.metadata.annotations["argocd.argoproj.io/sync-options"]).toBe("Force=true,Replace=true");
  });

  it("say nothing of an ordinary object", () => {
    const [first] = objects.filter(({ isProtected, isRetained }) => !isProtected && !isRetained);
    expect(first === undefined ? undefined : deliveryAnnotations(first, false)).toEqual({});
  });
});

describe("rendering by wave", () => {
  const files = renderWaves(objects);

  it("holds every object once, unchanged, in the folder of its wave", () => {
    const flat = new Map(renderFiles(objects).map(({ name, content }) => [name, content]));
    const objectFiles = files.filter(({ name }) => !name.endsWith(kustomizationName));
    expect(objectFiles).toHaveLength(objects.length);
    for (const { name, content } of objectFiles) expect(flat.get(name.split("/")[1] ?? "")).toBe(content);
    const numbers = objectFiles.map(({ name, content }) => [
      name.split("/")[0],
      Number(parse(content).metadata.annotations["argocd.argoproj.io/sync-wave"]),
    ]);
    for (const [folder, wave] of numbers)
      expect(waveFolders(objects).find((candidate) => candidate.folder === folder)?.wave).toBe(wave);
  });

  it("lists its folders at the top and its files in each", () => {
    const lists = Object.fromEntries(
      files
        .filter(({ name }) => name.endsWith(kustomizationName))
        .map(({ name, content }) => [name, parse(content).resources]),
    );
    expect(lists[kustomizationName]).toEqual(waveFolders(objects).map(({ folder }) => folder));
    for (const { folder } of waveFolders(objects))
      for (const file of lists[`${folder}/${kustomizationName}`])
        expect(files.map(({ name }) => name)).toContain(`${folder}/${file}`);
  });
});

describe("Argo CD", () => {
  const application = anyField(argoCdApplication(stack, source, settings));

  it("takes the stack's folder, prunes, and never heals what an operator did to a run", () => {
    expect(application.spec).toMatchObject({
      project: "training",
      source: { repoURL: source.repository, targetRevision: "main", path: "deploy/local" },
      destination: { server: settings.server, namespace: stack.namespace },
      syncPolicy: { automated: { prune: true, selfHeal: false } },
    });
    expect(application.metadata).not.toHaveProperty("finalizers");
    expect(application.spec.ignoreDifferences).toContainEqual({
      group: "batch",
      kind: "Job",
      jsonPointers: ["/spec/suspend"],
    });
  });

  it("has a set that makes the same applications, and keeps environments that leave it", () => {
    const set = anyField(argoCdApplicationSet("all", [stack, { name: "other", namespace: "o" }], source, settings));
    const [element] = set.spec.generators[0].list.elements;
    const filled = JSON.parse(
      JSON.stringify(set.spec.template).replaceAll(/\{\{\.(\w+)\}\}/g, (_, key: string) => element[key]),
    );
    expect(filled.spec).toEqual(application.spec);
    expect(filled.metadata.name).toBe("local");
    expect(set.spec.syncPolicy).toEqual({ preserveResourcesOnDeletion: true });
    expect(set.spec.generators[0].list.elements).toHaveLength(2);
  });
});

describe("Flux", () => {
  const [repository, ...kustomizations] = fluxObjects(
    stack,
    source,
    { namespace: "flux-system", interval: "5m" },
    objects,
  ).map(anyField);

  it("clones the repository at a branch, or at a commit", () => {
    expect(repository.spec).toEqual({ interval: "5m", url: source.repository, ref: { branch: "main" } });
    const commit = "a".repeat(40);
    const [pinned] = fluxObjects(stack, { ...source, revision: commit }, { namespace: "f", interval: "5m" }, objects);
    expect(anyField(pinned).spec.ref).toEqual({ commit });
  });

  it("starts each wave after the one before is ready, and does not wait for trainings", () => {
    const folders = waveFolders(objects);
    expect(kustomizations.map(({ spec }) => spec.path)).toEqual(
      folders.map(({ folder }) => `./deploy/local/${folder}`),
    );
    expect(kustomizations.map(({ spec }) => spec.dependsOn?.[0].name)).toEqual([
      undefined,
      ...kustomizations.slice(0, -1).map(({ metadata }) => metadata.name),
    ]);
    expect(kustomizations.map(({ spec }) => spec.wait === true)).toEqual(
      folders.map((_, index) => index < folders.length - 1),
    );
    const stages = kustomizations.find(({ spec }) => spec.timeout === "250m");
    expect(objects.filter((object) => object.timeoutSeconds === 240 * 60).map(waveOf)).toEqual([
      folders.find(({ folder }) => stages.spec.path.endsWith(folder))?.wave,
    ]);
  });
});

describe("the Pulumi Kubernetes Operator", () => {
  it("runs the program without refresh, rerun or destruction", () => {
    const { spec } = anyField(
      pulumiOperatorStack(
        stack,
        { ...source, path: "." },
        { namespace: "pko", backend: "s3://state", serviceAccountName: "deployer", passphraseSecret: "passphrase" },
      ),
    );
    expect(spec).toMatchObject({
      stack: "local",
      projectRepo: source.repository,
      branch: "main",
      refresh: false,
      destroyOnFinalize: false,
      continueResyncOnCommitMatch: false,
    });
    expect(spec).not.toHaveProperty("repoDir");
    expect(spec.envRefs.PULUMI_CONFIG_PASSPHRASE).toEqual({
      type: "Secret",
      secret: { name: "passphrase", key: "passphrase" },
    });
  });
});

it.each([
  ["deploy", "deploy/a"],
  ["/deploy/", "deploy/a"],
  ["./x/y", "x/y/a"],
  ["", "a"],
])("a path %j gives the folder %j", (path, folder) => expect(stackFolder({ ...source, path }, "a")).toBe(folder));
