/**
 * Pulling the training image on all chosen nodes before any stage starts: an image of tens of gigabytes takes minutes, and a gang
 * whose pods pull at different speeds waits with its NPUs taken. A DaemonSet, so the number of objects does not depend on the nodes;
 * its pods stay, so that no node throws the image away between runs.
 */
import type { Environment } from "../config/schema.ts";
import { nodeShapeOf } from "../hardware/node-shapes.ts";
import { objectLabels, type PlannedObject, waveAnnotation, waves } from "../kubernetes/planned-object.ts";
import { containerSecurity, podSecurityFields } from "../kubernetes/pod-security.ts";
import { pullSecrets } from "../workloads/pod.ts";

/** Name of the object. */
const name = "image-pre-pull";

/** A pod that sleeps needs next to nothing, and no NPU. */
const resources = {
  requests: { cpu: "10m", memory: "32Mi" },
  limits: { memory: "32Mi" },
} as const;

/** The object that pulls, if the environment wants it. */
export function prePullObjects(environmentName: string, environment: Environment): readonly PlannedObject[] {
  const { image, cluster, namespace } = environment;
  if (image.prePull === undefined) return [];
  const labels = objectLabels(environmentName, "image", {});
  const secrets = pullSecrets(environment);
  const pod = {
    ...podSecurityFields(environment),
    enableServiceLinks: false,
    // Sleeping needs no time to end.
    terminationGracePeriodSeconds: 1,
    nodeSelector: { "kubernetes.io/arch": nodeShapeOf(cluster.nodeShape).architecture, ...cluster.nodeSelector },
    ...(cluster.tolerations.length === 0 ? {} : { tolerations: cluster.tolerations }),
    ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets.map((secret) => ({ name: secret })) }),
    containers: [
      {
        name: "pulled",
        image: image.reference,
        imagePullPolicy: image.pullPolicy,
        command: ["sleep", "infinity"],
        resources,
        securityContext: containerSecurity(environment),
      },
    ],
  };
  return [
    {
      name,
      manifest: {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: {
          name,
          namespace,
          labels: { ...objectLabels(environmentName, "image", environment.labels) },
          annotations: waveAnnotation(waves.files),
        },
        spec: {
          selector: { matchLabels: labels },
          // All nodes pull at once; one after the other would take hours.
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%" } },
          template: { metadata: { labels: { ...cluster.podLabels, ...labels } }, spec: pod },
        },
      },
      after: ["namespace", ...(image.registryCredentials === undefined ? [] : ["registry-secret"])],
      isProtected: false,
      isRetained: false,
      timeoutSeconds: image.prePull.timeoutMinutes * 60,
    },
  ];
}
