import { describe, expect, it } from "vitest";
import type { ApiClient } from "./api-client.ts";
import { discover, isDefinition, kindsOfDefinition, objectPath, type ServedKind } from "./discovery.ts";
import { KubernetesApiError } from "./errors.ts";
import type { JsonObject } from "./json.ts";

const jobs: ServedKind = { apiVersion: "batch/v1", kind: "Job", plural: "jobs", isNamespaced: true, isServed: true };
const namespaces: ServedKind = {
  apiVersion: "v1",
  kind: "Namespace",
  plural: "namespaces",
  isNamespaced: false,
  isServed: true,
};

const jobList: JsonObject = {
  resources: [
    { name: "jobs", kind: "Job", namespaced: true },
    { name: "jobs/status", kind: "Job", namespaced: true },
    { name: "cronjobs", kind: "CronJob", namespaced: true },
  ],
};

/** An API server with some kinds; counts what it is asked. */
function server(lists: Record<string, JsonObject>): { readonly api: ApiClient; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    api: async ({ path }) => {
      asked.push(path);
      const list = lists[path];
      if (list === undefined)
        throw new KubernetesApiError(404, "NotFound", "the server could not find the requested resource");
      return list;
    },
  };
}

const fleet = { apiVersion: "example.com/v1", kind: "Fleet" };
const definition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  spec: {
    group: "example.com",
    scope: "Cluster",
    names: { kind: "Fleet", plural: "fleets" },
    versions: [{ name: "v1" }, { name: "v2" }],
  },
};

describe("paths", () => {
  it.each([
    [jobs, "n", "a", "/apis/batch/v1/namespaces/n/jobs/a"],
    [jobs, "n", undefined, "/apis/batch/v1/namespaces/n/jobs"],
    [jobs, undefined, "a", "/apis/batch/v1/namespaces/default/jobs/a"],
    [namespaces, "ignored", "n", "/api/v1/namespaces/n"],
    [jobs, "n", "a/../b", "/apis/batch/v1/namespaces/n/jobs/a%2F..%2Fb"],
  ])("%j %s %s", (kind, namespace, name, path) => {
    expect(objectPath(kind, namespace, name)).toBe(path);
  });
});

describe("discovery", () => {
  it("finds a kind, not its sub-resources, and asks once", async () => {
    const { api, asked } = server({ "/apis/batch/v1": jobList });
    const discovery = discover(api);
    expect(await discovery.find(jobs)).toEqual(jobs);
    expect(await discovery.find({ apiVersion: "batch/v1", kind: "CronJob" })).toMatchObject({ plural: "cronjobs" });
    expect(asked).toEqual(["/apis/batch/v1"]);
  });

  it("asks again on a miss, so that a definition made meanwhile is found", async () => {
    const lists: Record<string, JsonObject> = {};
    const { api, asked } = server(lists);
    const discovery = discover(api);
    expect(await discovery.find(fleet)).toBeUndefined();
    lists["/apis/example.com/v1"] = { resources: [{ name: "fleets", kind: "Fleet", namespaced: false }] };
    expect(await discovery.find(fleet)).toMatchObject({ plural: "fleets", isServed: true });
    expect(asked.length).toBeGreaterThan(1);
  });

  it("asks again after it was told to forget", async () => {
    const { api, asked } = server({ "/apis/batch/v1": jobList });
    const discovery = discover(api);
    await discovery.find(jobs);
    discovery.forget();
    await discovery.find(jobs);
    expect(asked).toHaveLength(2);
  });

  it("knows the scope of a kind that the program is about to define", async () => {
    const discovery = discover(server({}).api);
    discovery.learn(definition);
    expect(await discovery.find(fleet)).toEqual({ ...fleet, plural: "fleets", isNamespaced: false, isServed: false });
  });

  it("passes on every error but 404", async () => {
    const api: ApiClient = async () => {
      throw new KubernetesApiError(500, "InternalError", "boom");
    };
    await expect(discover(api).find(jobs)).rejects.toThrow("boom");
  });
});

describe("definitions", () => {
  it("gives one kind per version", () => {
    expect(kindsOfDefinition(definition).map(({ apiVersion }) => apiVersion)).toEqual([
      "example.com/v1",
      "example.com/v2",
    ]);
  });

  it("is recognised by group and kind", () => {
    expect(isDefinition(definition)).toBe(true);
    expect(isDefinition({ ...definition, apiVersion: "example.com/v1" })).toBe(false);
  });
});
