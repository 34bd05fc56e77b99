/** What an environment needs before its first stage: the namespace, its claims, the registry secret. */
import type { Environment } from "../config/schema.ts";
import { objectLabels, type PlannedObject, waveAnnotation, waves } from "../kubernetes/planned-object.ts";
import { claimName, isClaimMade, volumeRoles } from "../kubernetes/volumes.ts";
import type { VolumeRole } from "../stages/stage-plan.ts";
import { registrySecretName } from "../workloads/pod.ts";

/**
 * The level of Pod Security that the namespace enforces: `restricted`, or `baseline` when a volume is an inline file server, a kind
 * of volume that the restricted level does not admit.
 */
export function podSecurityLevel({ storage }: Environment): "restricted" | "baseline" {
  return volumeRoles.some((role) => storage[role].nfs !== undefined) ? "baseline" : "restricted";
}

/** A namespace that holds retained claims must outlive the stack, for its end would end them. */
const holdsRetainedClaims = (environment: Environment): boolean =>
  volumeRoles.some((role) => isClaimMade(environment, role) && environment.storage[role].retain);

function namespaceObject(environmentName: string, environment: Environment): PlannedObject {
  const isKept = holdsRetainedClaims(environment);
  return {
    name: "namespace",
    manifest: {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: environment.namespace,
        labels: {
          ...objectLabels(environmentName, "namespace", environment.labels),
          "pod-security.kubernetes.io/enforce": podSecurityLevel(environment),
        },
        annotations: waveAnnotation(waves.namespace),
      },
    },
    after: [],
    isProtected: isKept,
    isRetained: isKept,
  };
}

function claimObject(environmentName: string, environment: Environment, role: VolumeRole): PlannedObject {
  const settings = environment.storage[role];
  return {
    name: `claim-${role}`,
    manifest: {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name: claimName(role),
        namespace: environment.namespace,
        labels: objectLabels(environmentName, "storage", environment.labels),
        annotations: waveAnnotation(waves.storage),
      },
      spec: {
        accessModes: [settings.accessMode],
        resources: { requests: { storage: settings.size } },
        ...(settings.storageClass === undefined ? {} : { storageClassName: settings.storageClass }),
      },
    },
    after: ["namespace"],
    isProtected: settings.retain,
    isRetained: settings.retain,
  };
}

function registrySecretObject(environmentName: string, environment: Environment): readonly PlannedObject[] {
  const credentials = environment.image.registryCredentials;
  if (credentials === undefined) return [];
  return [
    {
      name: "registry-secret",
      manifest: {
        apiVersion: "v1",
        kind: "Secret",
        metadata: {
          name: registrySecretName,
          namespace: environment.namespace,
          labels: objectLabels(environmentName, "registry", environment.labels),
          annotations: waveAnnotation(waves.storage),
        },
        type: "kubernetes.io/dockerconfigjson",
      },
      after: ["namespace"],
      isProtected: false,
      isRetained: false,
      registrySecret: {
        server: credentials.server,
        username: credentials.username,
        passwordPath: ["image", "registryCredentials", "password"],
      },
    },
  ];
}

/** The environment's own objects, in an order in which each comes after what it needs. */
export function baseObjects(environmentName: string, environment: Environment): readonly PlannedObject[] {
  return [
    namespaceObject(environmentName, environment),
    ...volumeRoles
      .filter((role) => isClaimMade(environment, role))
      .map((role) => claimObject(environmentName, environment, role)),
    ...registrySecretObject(environmentName, environment),
  ];
}
