/** The real controller of JobSet beside a virtual cluster: its definition, its webhooks, its settings. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KubernetesObject, loadAllYaml, loadYaml } from "@kubernetes/client-node";
import { type ClusterState, clusterFiles } from "./state.ts";

/** Paths of the controller's own files. */
const files = (folder: string) => ({
  settings: join(folder, "jobset.json"),
  certificates: join(folder, "jobset-certificates"),
});

/** The controller's settings file. */
export const jobSetSettings = (folder: string): string => files(folder).settings;

/** Writes what the controller reads at its start. It serves its webhooks with the cluster's own certificate. */
export function writeJobSetFiles(folder: string, { ports }: ClusterState): void {
  const { settings, certificates } = files(folder);
  const { certificate, certificateKey } = clusterFiles(folder);
  mkdirSync(certificates, { recursive: true, mode: 0o700 });
  copyFileSync(certificate, join(certificates, "tls.crt"));
  copyFileSync(certificateKey, join(certificates, "tls.key"));
  const content = {
    apiVersion: "config.jobset.x-k8s.io/v1alpha1",
    kind: "Configuration",
    leaderElection: { leaderElect: false },
    internalCertManagement: { enable: false },
    webhook: { host: "127.0.0.1", port: ports.jobSetWebhooks, certDir: certificates },
    metrics: { bindAddress: "0" },
    health: { healthProbeBindAddress: `127.0.0.1:${ports.jobSet}` },
    clientConnection: { qps: 2000, burst: 4000 },
  };
  // JSON is YAML; the controller reads it.
  writeFileSync(settings, `${JSON.stringify(content, null, 2)}\n`);
}

/** The definitions in the module's components. */
export function jobSetDefinitions(componentsFolder: string): readonly KubernetesObject[] {
  const bases = join(componentsFolder, "crd", "bases");
  return readdirSync(bases)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => loadYaml<KubernetesObject>(readFileSync(join(bases, name), "utf8")));
}

interface Webhook {
  readonly name: string;
  readonly clientConfig: { readonly service?: { readonly path?: string } };
  readonly rules: readonly { readonly resources: readonly string[] }[];
}

type WebhookConfiguration = KubernetesObject & { readonly webhooks: readonly Webhook[] };

/** Only pods of JobSets are the controller's business, as in its own installation. */
const podsOfJobSets = { matchExpressions: [{ key: "jobset.sigs.k8s.io/jobset-name", operator: "Exists" }] };

/**
 * The module's webhooks, called at the loopback address instead of a Service.
 *
 * @param componentsFolder the module's components
 */
export function jobSetWebhooks(
  componentsFolder: string,
  folder: string,
  { ports }: ClusterState,
): readonly KubernetesObject[] {
  const certificate = readFileSync(clusterFiles(folder).certificate).toString("base64");
  const text = readFileSync(join(componentsFolder, "webhook", "manifests.yaml"), "utf8");
  // The file holds webhook configurations and nothing else.
  const configurations = (loadAllYaml(text) as readonly (WebhookConfiguration | null)[]).filter(
    (item) => item !== null,
  );
  return configurations.map((configuration) => ({
    ...configuration,
    metadata: { name: `jobset-${configuration.metadata?.name ?? ""}` },
    webhooks: configuration.webhooks.map((webhook) => ({
      ...webhook,
      clientConfig: {
        url: `https://127.0.0.1:${ports.jobSetWebhooks}${webhook.clientConfig.service?.path ?? ""}`,
        caBundle: certificate,
      },
      ...(webhook.rules.some(({ resources }) => resources.includes("pods")) ? { objectSelector: podsOfJobSets } : {}),
    })),
  }));
}
