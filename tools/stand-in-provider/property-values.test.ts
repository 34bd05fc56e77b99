import { describe, expect, it } from "vitest";
import { makeCheckpoint, readCheckpoint } from "./checkpoint.ts";
import type { JsonObject } from "./json.ts";
import {
  containsSecret,
  containsUnknown,
  isSecret,
  markSecrets,
  plain,
  secret,
  toKubernetes,
  unknownText,
} from "./property-values.ts";

const signature = "4dabf18193072939515e22adb298388d";
const wrapped = { [signature]: "1b47061264138c4ac30d75fd1eb44270", value: "open sesame" };

describe("secrets in property bags", () => {
  it("has the engine's wire form", () => {
    expect(secret("open sesame")).toEqual(wrapped);
    expect(secret(wrapped)).toBe(wrapped);
  });

  it("unwraps at any depth, also a secret inside a secret", () => {
    expect(plain({ list: [wrapped, { inner: secret({ deep: wrapped }) }] })).toEqual({
      list: ["open sesame", { inner: { deep: "open sesame" } }],
    });
  });

  it("takes the id of a resource reference and drops nulls of objects", () => {
    const reference = { [signature]: "5cf8f73096256a8f31e491e813e4eb8e", urn: "urn:pulumi:a::b::c::d", id: "ns/name" };
    expect(plain({ reference, nothing: null })).toEqual({ reference: "ns/name" });
  });

  it.each<{ name: string; values: JsonObject; inputs: JsonObject; expected: JsonObject }>([
    {
      name: "a marked key stays marked, its neighbours do not",
      values: { spec: { token: "a", other: "b" } },
      inputs: { spec: { token: secret("a"), other: "b" } },
      expected: { spec: { token: secret("a"), other: "b" } },
    },
    {
      name: "a list with a secret inside is marked as a whole",
      values: { env: [{ name: "A", value: "a" }] },
      inputs: { env: [{ name: "A", value: secret("a") }] },
      expected: { env: secret([{ name: "A", value: "a" }]) },
    },
    {
      name: "a secret object is marked as a whole",
      values: { spec: { a: 1 } },
      inputs: { spec: secret({ a: 1 }) },
      expected: { spec: secret({ a: 1 }) },
    },
    {
      name: "values that the server added are not marked",
      values: { spec: { token: "a" }, status: { ready: true } },
      inputs: { spec: { token: secret("a") } },
      expected: { spec: { token: secret("a") }, status: { ready: true } },
    },
    {
      name: "the data of a Secret is marked even if the program did not",
      values: { kind: "Secret", data: { a: "YQ==" }, stringData: { b: "b" }, type: "Opaque" },
      inputs: {},
      expected: { kind: "Secret", data: secret({ a: "YQ==" }), stringData: secret({ b: "b" }), type: "Opaque" },
    },
    {
      name: "the rest of a Secret is marked as the program says",
      values: { kind: "Secret", metadata: { annotations: { note: "n" } } },
      inputs: { kind: "Secret", metadata: { annotations: { note: secret("n") } } },
      expected: { kind: "Secret", metadata: { annotations: { note: secret("n") } } },
    },
  ])("$name", ({ values, inputs, expected }) => {
    expect(markSecrets(values, inputs)).toEqual(expected);
  });

  it("finds secrets and unknown values anywhere", () => {
    expect(containsSecret({ a: [{ b: wrapped }] })).toBe(true);
    expect(containsSecret({ a: [{ b: "open sesame" }] })).toBe(false);
    expect(containsUnknown({ a: [{ b: unknownText }] })).toBe(true);
    expect(containsUnknown({ a: "04da6b54" })).toBe(false);
  });
});

describe("the checkpoint of an object", () => {
  const properties: JsonObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "w", labels: { key: secret("hidden") } },
    spec: { x_kubernetes_preserve_unknown_fields: true },
  };
  const inputs = toKubernetes(properties);
  const live = { ...inputs, metadata: { name: "w", uid: "1", labels: { key: "hidden" } } };

  it("spells schema extensions as the server wants them, and back", () => {
    expect(inputs.spec).toEqual({ "x-kubernetes-preserve-unknown-fields": true });
    expect(makeCheckpoint(inputs, live, properties, "m").spec).toEqual({
      x_kubernetes_preserve_unknown_fields: true,
    });
  });

  it("holds live object and inputs, both with the program's secrets marked", () => {
    const state = makeCheckpoint(inputs, live, properties, "m");
    expect(JSON.stringify(state).split('"hidden"')).toHaveLength(3);
    for (const part of [state, state.__inputs as JsonObject]) {
      const labels = (part.metadata as JsonObject).labels as JsonObject;
      expect(isSecret(labels.key)).toBe(true);
    }
  });

  it("reads back what it wrote", () => {
    expect(readCheckpoint(makeCheckpoint(inputs, live, properties, "m"))).toEqual({ inputs, live, fieldManager: "m" });
  });
});
