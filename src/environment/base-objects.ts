/** What an environment needs before its first stage: the namespace, its claims, the registry secret. */
import type { Environment } from "../config/schema.ts";
import { objectLabels, type PlannedObject, waveAnnotation, waves } from "../kubernetes/planned-object.ts";
import { priorityClassName, stageAccountName } from "../kubernetes/pod-security.ts";
import { claimName, isClaimMade, volumeRoles } from "../kubernetes/volumes.ts";
import type { VolumeRole } from "../stages/stage-plan.ts";
import { registrySecretName } from "../workloads/pod.ts";
import { observabilityObjects } from "./observability.ts";

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
  const shared = {
    metadata: {
      name: registrySecretName,
      namespace: environment.namespace,
      labels: objectLabels(environmentName, "registry", environment.labels),
      annotations: waveAnnotation(waves.storage),
    },
  };
  const planned = { name: "registry-secret", after: ["namespace"], isProtected: false, isRetained: false };
  const type = "kubernetes.io/dockerconfigjson";
  if ("externalSecret" in credentials) {
    const { store, storeKind, key, property } = credentials.externalSecret;
    return [
      {
        ...planned,
        manifest: { ...externalSecret({ name: store, kind: storeKind }, type, { key, property }), ...shared },
      },
    ];
  }
  if ("sealedSecret" in credentials) {
    const spec = { encryptedData: { ".dockerconfigjson": credentials.sealedSecret }, template: { type } };
    return [{ ...planned, manifest: { apiVersion: "bitnami.com/v1alpha1", kind: "SealedSecret", ...shared, spec } }];
  }
  const { server, username } = credentials;
  return [
    {
      ...planned,
      manifest: { apiVersion: "v1", kind: "Secret", ...shared, type },
      registrySecret: { server, username, passwordPath: ["image", "registryCredentials", "password"] },
    },
  ];
}

/** The account that stage pods run under: a name of their own, with no rights and no token. */
const accountObject = (environmentName: string, environment: Environment): PlannedObject => ({
  name: "account",
  manifest: {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: {
      name: stageAccountName,
      namespace: environment.namespace,
      labels: objectLabels(environmentName, "access", environment.labels),
      annotations: waveAnnotation(waves.storage),
    },
    automountServiceAccountToken: false,
  },
  after: ["namespace"],
  isProtected: false,
  isRetained: false,
});

/** The priority of stage pods. The class belongs to the whole cluster, so its name carries the namespace. */
function priorityObject(environmentName: string, environment: Environment): readonly PlannedObject[] {
  const name = priorityClassName(environment);
  if (name === undefined || environment.priority?.value === undefined) return [];
  return [
    {
      name: "priority-class",
      manifest: {
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: {
          name,
          labels: objectLabels(environmentName, "priority", environment.labels),
          annotations: waveAnnotation(waves.namespace),
        },
        description: `Stage pods of the environment ${environmentName}`,
        value: environment.priority.value,
        preemptionPolicy: environment.priority.preempts ? "PreemptLowerPriority" : "Never",
      },
      after: [],
      isProtected: false,
      isRetained: false,
    },
  ];
}

/** The part of an ExternalSecret (external-secrets.io/v1) that says which secret is made of what. */
const externalSecret = (
  secretStoreRef: { readonly name: string; readonly kind: string },
  type: string,
  { key, property }: { readonly key: string; readonly property: string | undefined },
) => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  spec: {
    refreshInterval: "1h",
    secretStoreRef,
    target: { name: registrySecretName, creationPolicy: "Owner", template: { type } },
    data: [{ secretKey: ".dockerconfigjson", remoteRef: { key, ...(property === undefined ? {} : { property }) } }],
  },
});

/** The environment's own objects, in an order in which each comes after what it needs. */
export function baseObjects(environmentName: string, environment: Environment): readonly PlannedObject[] {
  return [
    namespaceObject(environmentName, environment),
    ...priorityObject(environmentName, environment),
    accountObject(environmentName, environment),
    ...volumeRoles
      .filter((role) => isClaimMade(environment, role))
      .map((role) => claimObject(environmentName, environment, role)),
    ...registrySecretObject(environmentName, environment),
    ...observabilityObjects(environmentName, environment),
  ];
}
