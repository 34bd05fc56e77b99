/**
 * The one rule that makes a stand-in safe: it works on clusters that this project's virtual cluster made, and on nothing else.
 * Such a cluster carries a random id twice, in its kubeconfig and in a ConfigMap. A stale kubeconfig, a tunnel to a real cluster on
 * a loopback port, or a copied ConfigMap has only one of the two.
 */
import type { ApiClient } from "./api-client.ts";
import { hasStatus, ProviderError } from "./errors.ts";
import { textAt } from "./json.ts";
import type { ClusterTarget } from "./kubeconfig.ts";

/** Name of the marker: of the ConfigMap in `kube-system`, and of the cluster entry's extension in the kubeconfig. */
export const markerName = "ascend-stacks-virtual-cluster";

/** Key of the random id in the ConfigMap's data and in the extension. */
export const markerKey = "id";

/** Loopback in the forms a kubeconfig may use. `URL` writes IPv6 hosts in brackets. */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);

/** How to get the provider that works everywhere. */
export const officialProviderAdvice = (version: string): string =>
  [
    "For any other cluster install the official Kubernetes provider:",
    `  pulumi plugin install resource kubernetes ${version}`,
    "Without a network, download its release elsewhere and add --file <archive>.",
  ].join("\n");

const refusal = (cause: string, version: string): ProviderError =>
  new ProviderError(
    [
      "This is the stand-in for the Kubernetes provider. It works on this project's virtual cluster only (made by `make up`).",
      cause,
      officialProviderAdvice(version),
    ].join("\n"),
  );

/** The id in the kubeconfig; undefined when the virtual cluster did not write it. */
export const identityOf = (target: ClusterTarget): string | undefined =>
  textAt(target.extensions, markerName, markerKey);

/**
 * Makes sure that a cluster is a virtual cluster of this project.
 *
 * @param version of the official provider, for the advice
 * @throws ProviderError when it is not, or cannot be asked
 */
export async function requireVirtualCluster(target: ClusterTarget, api: ApiClient, version: string): Promise<void> {
  if (!isLoopback(target.server.hostname)) {
    throw refusal(`The cluster at ${target.server.origin} (${target.source}) is not on this machine.`, version);
  }
  const expected = identityOf(target);
  if (expected === undefined) {
    throw refusal(
      `Kubeconfig ${target.source} was not written by the virtual cluster: its cluster entry has no extension "${markerName}".`,
      version,
    );
  }
  const found = await api({ method: "GET", path: `/api/v1/namespaces/kube-system/configmaps/${markerName}` }).catch(
    (error: unknown) => {
      if (hasStatus(error, 404) || hasStatus(error, 401) || hasStatus(error, 403)) return undefined;
      throw error;
    },
  );
  if (found === undefined) {
    throw refusal(
      `The cluster at ${target.server.origin} has no readable ConfigMap kube-system/${markerName}.`,
      version,
    );
  }
  if (textAt(found, "data", markerKey) !== expected) {
    throw refusal(
      `The cluster at ${target.server.origin} is not the one that ${target.source} was written for: the ids differ.`,
      version,
    );
  }
}
