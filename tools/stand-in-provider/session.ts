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

/** What nearly every program has objects of; asked for while the engine sends the first of them. */
const usualVersions = ["v1", "batch/v1"];

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
  const discovery = discover(api);
  discovery.prepare(usualVersions);
  return {
    api,
    discovery,
    defaultNamespace: configuration.namespace ?? target.namespace ?? "default",
    configuration,
  };
}
