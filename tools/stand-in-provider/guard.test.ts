import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiClient } from "./api-client.ts";
import { KubernetesApiError } from "./errors.ts";
import { markerName, requireVirtualCluster } from "./guard.ts";
import type { JsonObject } from "./json.ts";
import { type ClusterTarget, readKubeconfig } from "./kubeconfig.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stand-in-guard-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const withMarker = [{ name: markerName, extension: { name: "local", id: "one" } }];

function kubeconfig({
  server = "https://127.0.0.1:6443",
  extensions = withMarker as readonly JsonObject[],
} = {}): JsonObject {
  return {
    "current-context": "local",
    clusters: [
      {
        name: "local",
        cluster: { server, "certificate-authority-data": Buffer.from("PEM").toString("base64"), extensions },
      },
      { name: "other", cluster: { server: "https://other.example.com", "certificate-authority": "authority.pem" } },
    ],
    users: [{ name: "administrator", user: { token: "t" } }],
    contexts: [
      { name: "local", context: { cluster: "local", user: "administrator", namespace: "n" } },
      { name: "other", context: { cluster: "other", user: "administrator" } },
      { name: "broken", context: { cluster: "nowhere", user: "administrator" } },
    ],
  };
}

const target = (options: Parameters<typeof kubeconfig>[0] = {}): ClusterTarget =>
  readKubeconfig({ kubeconfig: JSON.stringify(kubeconfig(options)), context: undefined }, {});

/** An API server whose marker holds an id, or that has none. */
const clusterWith =
  (id: string | undefined): ApiClient =>
  async () => {
    if (id === undefined) throw new KubernetesApiError(404, "NotFound", "not found", "configmaps");
    return { data: { name: "local", id } };
  };

describe("the guard", () => {
  it.each(["https://127.0.0.1:6443", "https://localhost:1", "https://[::1]:1", "http://127.1.2.3:8080"])(
    "lets a marked cluster at %s pass",
    async (server) => {
      await expect(requireVirtualCluster(target({ server }), clusterWith("one"), "4.0.0")).resolves.toBeUndefined();
    },
  );

  it.each<{ name: string; options?: Parameters<typeof kubeconfig>[0]; id: string | undefined; message: string }>([
    {
      name: "another machine",
      options: { server: "https://10.0.0.1:6443" },
      id: "one",
      message: "is not on this machine",
    },
    {
      name: "a name that only looks like loopback",
      options: { server: "https://127.0.0.1.example.com" },
      id: "one",
      message: "is not on this machine",
    },
    {
      name: "a kubeconfig without the extension",
      options: { extensions: [] },
      id: "one",
      message: "was not written by the virtual cluster",
    },
    { name: "a cluster without the marker", id: undefined, message: `no readable ConfigMap kube-system/${markerName}` },
    { name: "another virtual cluster", id: "two", message: "the ids differ" },
  ])("refuses $name, and says how to get the official provider", async ({ options, id, message }) => {
    const refused = requireVirtualCluster(target(options), clusterWith(id), "4.0.0");
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow("pulumi plugin install resource kubernetes 4.0.0");
  });

  it("does not ask a cluster on another machine anything", async () => {
    const api: ApiClient = () => expect.unreachable("asked");
    await expect(requireVirtualCluster(target({ server: "https://example.com" }), api, "4.0.0")).rejects.toThrow(
      "not on this machine",
    );
  });
});

describe("kubeconfigs", () => {
  it("takes content, and reads server, certificate, token, namespace and extension", () => {
    const found = target();
    expect(found.server.href).toBe("https://127.0.0.1:6443/");
    expect(found).toMatchObject({
      certificateAuthority: "PEM",
      token: "t",
      namespace: "n",
      extensions: { [markerName]: { id: "one" } },
    });
  });

  it("takes a path, from the setting or from KUBECONFIG, and the file of a certificate beside it", () => {
    const path = join(folder, "config");
    writeFileSync(path, JSON.stringify(kubeconfig()));
    writeFileSync(join(folder, "authority.pem"), "FILE");
    expect(readKubeconfig({ kubeconfig: path, context: "other" }, {}).certificateAuthority).toBe("FILE");
    expect(readKubeconfig({ kubeconfig: undefined, context: undefined }, { KUBECONFIG: path }).source).toBe(path);
  });

  it.each<{ name: string; kubeconfig: string; context?: string; message: string }>([
    {
      name: "a missing file",
      kubeconfig: "/does/not/exist",
      message: "No kubeconfig at /does/not/exist. Set KUBECONFIG",
    },
    { name: "several files", kubeconfig: "/a:/b", message: "names several files" },
    { name: "no context", kubeconfig: "a: b\n", message: "has no current context" },
    {
      name: "an unknown context",
      kubeconfig: JSON.stringify(kubeconfig()),
      context: "x",
      message: 'no entry "x" in contexts',
    },
    {
      name: "an unknown cluster",
      kubeconfig: JSON.stringify(kubeconfig()),
      context: "broken",
      message: 'no entry "nowhere" in clusters',
    },
    { name: "text that is no YAML", kubeconfig: "a: b: c\n", message: "is no YAML" },
    {
      name: "a server that is no URL",
      kubeconfig: JSON.stringify(kubeconfig({ server: "nonsense" })),
      message: 'server "nonsense" is no URL',
    },
  ])("refuses $name", ({ kubeconfig: text, context, message }) => {
    expect(() => readKubeconfig({ kubeconfig: text, context }, {})).toThrow(message);
  });
});
