import { describe, expect, it } from "vitest";
import { compareConfigurations, configurationFailures, readConfiguration } from "./configuration.ts";
import type { JsonObject } from "./json.ts";
import { secret, unknownText } from "./property-values.ts";

const refusal = (what: string): string => `no ${what}`;
const read = (settings: JsonObject, environment: NodeJS.ProcessEnv = {}) =>
  readConfiguration(settings, environment, refusal);

describe("provider settings", () => {
  it("takes texts as they are and switches as the engine sends them", () => {
    expect(
      read({
        kubeconfig: secret("/k"),
        context: "c",
        namespace: "n",
        enableConfigMapMutable: "true",
        enableSecretMutable: true,
      }),
    ).toEqual({
      kubeconfig: "/k",
      context: "c",
      namespace: "n",
      isConfigMapMutable: true,
      isSecretMutable: true,
    });
  });

  it("takes a kubeconfig that is an object", () => {
    expect(read({ kubeconfig: { "current-context": "a" } }).kubeconfig).toBe('{"current-context":"a"}');
  });

  it("falls back to the environment for switches", () => {
    const environment = { PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE: "true", PULUMI_K8S_ENABLE_SECRET_MUTABLE: "true" };
    expect(read({}, environment)).toMatchObject({ isConfigMapMutable: true, isSecretMutable: true });
    expect(read({})).toMatchObject({ isConfigMapMutable: false, isSecretMutable: false, kubeconfig: undefined });
  });

  it.each([
    ["renderYamlToDirectory", "out", "no the provider setting renderYamlToDirectory"],
    ["deleteUnreachable", "true", "no the provider setting deleteUnreachable"],
    ["enableServerSideApply", "false", "no client-side apply (enableServerSideApply: false)"],
  ])("refuses %s", (property, value, reason) => {
    expect(configurationFailures({ [property]: value }, refusal)).toEqual([{ property, reason }]);
    expect(() => read({ [property]: value })).toThrow(reason);
  });

  it.each(["renderYamlToDirectory", "deleteUnreachable"])("does not mind %s when it is switched off", (property) => {
    expect(configurationFailures({ [property]: "" }, refusal)).toEqual([]);
    expect(configurationFailures({ [property]: "false" }, refusal)).toEqual([]);
  });
});

/** A kubeconfig for a server with an id. */
const kubeconfig = (port: number, id: string, context = "local"): string =>
  JSON.stringify({
    "current-context": context,
    clusters: [
      {
        name: "c",
        cluster: {
          server: `https://127.0.0.1:${port}`,
          extensions: [{ name: "ascend-stacks-virtual-cluster", extension: { id } }],
        },
      },
    ],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: context, context: { cluster: "c", user: "u" } }],
  });

describe("a change of settings", () => {
  it.each<{
    name: string;
    before: JsonObject;
    after: JsonObject;
    changed: readonly string[];
    replacing: readonly string[];
  }>([
    { name: "nothing", before: { namespace: "a" }, after: { namespace: "a" }, changed: [], replacing: [] },
    {
      name: "the namespace",
      before: { namespace: "a" },
      after: { namespace: "b" },
      changed: ["namespace"],
      replacing: [],
    },
    {
      name: "another spelling of the same cluster",
      before: { kubeconfig: kubeconfig(1, "x") },
      after: { kubeconfig: kubeconfig(1, "x", "other") },
      changed: ["kubeconfig"],
      replacing: [],
    },
    {
      name: "another port",
      before: { kubeconfig: kubeconfig(1, "x") },
      after: { kubeconfig: kubeconfig(2, "x") },
      changed: ["kubeconfig"],
      replacing: ["kubeconfig"],
    },
    {
      name: "another cluster at the same address",
      before: { kubeconfig: kubeconfig(1, "x") },
      after: { kubeconfig: kubeconfig(1, "y") },
      changed: ["kubeconfig"],
      replacing: ["kubeconfig"],
    },
    {
      name: "a kubeconfig that is not known yet",
      before: { kubeconfig: kubeconfig(1, "x") },
      after: { kubeconfig: unknownText },
      changed: ["kubeconfig"],
      replacing: ["kubeconfig"],
    },
  ])("$name", ({ before, after, changed, replacing }) => {
    expect(compareConfigurations(before, after, {})).toEqual({ changed, replacing });
  });
});
