/** A connection to one virtual cluster, shared by all operations of one provider instance. */
import { type ApiClient, connect } from "./api-client.ts";
import type { Configuration } from "./configuration.ts";
import { type Discovery, discover } from "./discovery.ts";
import { requireVirtualCluster } from "./guard.ts";
import { readKubeconfig } from "./kubeconfig.ts";

/** What operations work with. */
export interface Session {
  readonly api: ApiClient;
  readonly discovery: Discovery;
  /** Namespace for objects that name none: of the provider, else of the kubeconfig's context, else `default`. */
  readonly defaultNamespace: string;
  readonly configuration: Configuration;
}

/**
 * Connects to the cluster of a configuration.
 *
 * @param version of the official provider, for advice in messages
 * @throws ProviderError when the kubeconfig cannot be read, or the cluster is not a virtual cluster of this project
 */
export async function openSession(
  configuration: Configuration,
  version: string,
  environment: NodeJS.ProcessEnv,
): Promise<Session> {
  const target = readKubeconfig(configuration, environment);
  const api = connect(target);
  await requireVirtualCluster(target, api, version);
  return {
    api,
    discovery: discover(api),
    defaultNamespace: configuration.namespace ?? target.namespace ?? "default",
    configuration,
  };
}
