import { describe, expect, it } from "vitest";
import { type CheckedResource, checkResource } from "./check.ts";
import type { Discovery, ServedKind } from "./discovery.ts";
import type { JsonObject } from "./json.ts";
import { secret, unknownText } from "./property-values.ts";
import { automaticName, idOf, nameOfUrn, parseId, parseToken, typeOfUrn } from "./tokens.ts";

const refusal = (what: string): string => `no ${what}`;

/** Knows Namespaces, Jobs and ConfigMaps, and learns as the real one does. */
function knownKinds(): Discovery {
  const kinds: ServedKind[] = [
    { apiVersion: "v1", kind: "Namespace", plural: "namespaces", isNamespaced: false, isServed: true },
    { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps", isNamespaced: true, isServed: true },
    { apiVersion: "batch/v1", kind: "Job", plural: "jobs", isNamespaced: true, isServed: true },
  ];
  return {
    find: async ({ apiVersion, kind }) => kinds.find((known) => known.apiVersion === apiVersion && known.kind === kind),
    prepare: () => undefined,
    learn: () => {
      kinds.push({
        apiVersion: "example.com/v1",
        kind: "Fleet",
        plural: "fleets",
        isNamespaced: false,
        isServed: false,
      });
    },
    forget: () => undefined,
  };
}

const check = (resource: Partial<CheckedResource>, discovery = knownKinds()): Promise<JsonObject> =>
  checkResource(
    {
      type: { apiVersion: "batch/v1", kind: "Job" },
      logicalName: "convert",
      news: {},
      olds: undefined,
      randomSeed: new Uint8Array([1, 2, 3]),
      autonaming: undefined,
      ...resource,
    },
    discovery,
    "training",
    refusal,
  );

const named = (name: string): JsonObject => ({ metadata: { name } });
const autonamed: JsonObject = {
  metadata: { name: "convert-00000000", annotations: { "pulumi.com/autonamed": "true" } },
};

describe("check", () => {
  it("fills kind, name and namespace of an empty program object", async () => {
    expect(await check({})).toEqual({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "convert-039058c6", namespace: "training", annotations: { "pulumi.com/autonamed": "true" } },
    });
  });

  it("keeps what the program says", async () => {
    const news = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "run", namespace: "other" }, spec: {} };
    expect(await check({ news })).toEqual(news);
  });

  it.each<{ name: string; resource: Partial<CheckedResource>; expected: string }>([
    { name: "the previous automatic name stays", resource: { olds: autonamed }, expected: "convert-00000000" },
    { name: "a name given in the past does not", resource: { olds: named("given") }, expected: "convert-039058c6" },
    { name: "a name given now wins", resource: { olds: autonamed, news: named("given") }, expected: "given" },
    {
      name: "the engine's proposal is taken as it is",
      resource: { autonaming: { mode: "propose", proposedName: "convert" } },
      expected: "convert",
    },
    {
      name: "so is its demand",
      resource: { autonaming: { mode: "enforce", proposedName: "x-convert" } },
      expected: "x-convert",
    },
    { name: "an unknown name stays unknown", resource: { news: named(unknownText) }, expected: unknownText },
  ])("$name", async ({ resource, expected }) => {
    expect((await check(resource)).metadata).toMatchObject({ name: expected });
  });

  it("marks only names of its own making as such", async () => {
    expect((await check({ news: named("given") })).metadata).toEqual({ name: "given", namespace: "training" });
  });

  it("gives no namespace to objects outside namespaces, and takes a wrong one away", async () => {
    const type = { apiVersion: "v1", kind: "Namespace" };
    expect((await check({ type, news: { metadata: { name: "a", namespace: "b" } } })).metadata).toEqual({
      name: "a",
    });
  });

  it("takes a kind that nobody knows for a namespaced one, until its definition is seen", async () => {
    const type = { apiVersion: "example.com/v1", kind: "Fleet" };
    const discovery = knownKinds();
    expect((await check({ type, news: named("f") }, discovery)).metadata).toEqual({
      name: "f",
      namespace: "training",
    });
    const definition = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
    await check({ type: definition, news: named("fleets.example.com") }, discovery);
    expect((await check({ type, news: named("f") }, discovery)).metadata).toEqual({ name: "f" });
  });

  it("keeps secrets secret", async () => {
    const type = { apiVersion: "v1", kind: "ConfigMap" };
    expect((await check({ type, news: { ...named("c"), data: { a: secret("s"), b: "t" } } })).data).toEqual({
      a: secret("s"),
      b: "t",
    });
  });

  it("drops what only the server writes", async () => {
    expect((await check({ news: { metadata: { name: "a", uid: "1", resourceVersion: "2" } } })).metadata).toEqual({
      name: "a",
      namespace: "training",
    });
  });

  it.each<{ name: string; resource: Partial<CheckedResource>; message: string }>([
    {
      name: "generateName",
      resource: { news: { metadata: { generateName: "a-" } } },
      message: "metadata.generateName is not supported",
    },
    {
      name: "no name where automatic ones are off",
      resource: { autonaming: { mode: "disable" } },
      message: '"convert" needs metadata.name',
    },
    {
      name: "patches",
      resource: { type: { apiVersion: "batch/v1", kind: "JobPatch" } },
      message: "no Patch resources (JobPatch)",
    },
    {
      name: "lists",
      resource: { type: { apiVersion: "batch/v1", kind: "JobList" } },
      message: "Create each Job as a resource",
    },
    {
      name: "replaceUnready",
      resource: { news: { metadata: { annotations: { "pulumi.com/replaceUnready": "true" } } } },
      message: "no the annotation pulumi.com/replaceUnready",
    },
  ])("refuses $name", async ({ resource, message }) => {
    await expect(check(resource)).rejects.toThrow(message);
  });
});

describe("tokens, names and ids", () => {
  it.each([
    ["kubernetes:core/v1:Namespace", { apiVersion: "v1", kind: "Namespace" }],
    ["kubernetes:batch/v1:Job", { apiVersion: "batch/v1", kind: "Job" }],
    ["kubernetes:mindxdl.gitee.com/v1:AscendJob", { apiVersion: "mindxdl.gitee.com/v1", kind: "AscendJob" }],
  ])("reads %s", (token, expected) => {
    expect(parseToken(token, refusal)).toEqual(expected);
  });

  it.each([
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:helm.sh/v4:Chart",
    "kubernetes:yaml/v2:ConfigGroup",
    "kubernetes:kustomize/v2:Directory",
  ])("refuses %s", (token) => {
    expect(() => parseToken(token, refusal)).toThrow(`no resources of type ${token}`);
  });

  it("refuses a token without version", () => {
    expect(() => parseToken("kubernetes:apiextensions.k8s.io:CustomResource", refusal)).toThrow(
      "expected kubernetes:<group>/<version>:<Kind>",
    );
  });

  it("reads type and name of a URN with parents and colons", () => {
    const urn = "urn:pulumi:dev::project::ascend-stacks:training:Run$kubernetes:batch/v1:Job::run::a";
    expect(typeOfUrn(urn)).toBe("kubernetes:batch/v1:Job");
    expect(nameOfUrn(urn)).toBe("run::a");
  });

  it("makes the same name from the same seed, and another from another", () => {
    const seed = new Uint8Array([1, 2, 3]);
    expect(automaticName("a", seed)).toBe("a-039058c6");
    expect(automaticName("a", seed)).not.toBe(automaticName("a", new Uint8Array([3, 2, 1])));
    expect(automaticName("a", new Uint8Array())).toMatch(/^a-[0-9a-f]{8}$/);
  });

  it("writes and reads ids", () => {
    expect([idOf("a", "n"), idOf("a", undefined)]).toEqual(["n/a", "a"]);
    expect(parseId("n/a")).toEqual({ name: "a", namespace: "n" });
    expect(parseId("a")).toEqual({ name: "a", namespace: undefined });
  });
});
