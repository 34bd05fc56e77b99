/**
 * The pods of an AscendJob as its definition knows them: the fields of about Kubernetes 1.20. Whatever is newer is dropped, which is
 * the point of writing it out: schedulingGates, resourceClaims, hostUsers, native sidecars, gRPC probes, newer affinity and spread
 * fields, image volumes. Source: the list of fields in component/ascend-operator/build/ascend-operator.yaml of mind-cluster v26.0.0;
 * the parts of rarely used fields are left open.
 */
import { anything, flag, integer, integerOrText, list, long, map, object, type Schema, text } from "./schema.ts";

const selector = object({
  matchLabels: map(text),
  matchExpressions: list(object({ key: text, operator: text, values: list(text) }, ["key", "operator"])),
});

const users = {
  runAsGroup: long,
  runAsNonRoot: flag,
  runAsUser: long,
  seLinuxOptions: object({ level: text, role: text, type: text, user: text }),
  seccompProfile: object({ localhostProfile: text, type: text }, ["type"]),
  windowsOptions: object({ gmsaCredentialSpec: text, gmsaCredentialSpecName: text, runAsUserName: text }),
};

const podSecurityContext = object({
  ...users,
  fsGroup: long,
  fsGroupChangePolicy: text,
  supplementalGroups: list(long),
  sysctls: list(object({ name: text, value: text }, ["name", "value"])),
});

const containerSecurityContext = object({
  ...users,
  allowPrivilegeEscalation: flag,
  capabilities: object({ add: list(text), drop: list(text) }),
  privileged: flag,
  procMount: text,
  readOnlyRootFilesystem: flag,
});

const handler = {
  exec: object({ command: list(text) }),
  httpGet: object(
    {
      host: text,
      httpHeaders: list(object({ name: text, value: text })),
      path: text,
      port: integerOrText,
      scheme: text,
    },
    ["port"],
  ),
  tcpSocket: object({ host: text, port: integerOrText }, ["port"]),
};

const probe = object({
  ...handler,
  failureThreshold: integer,
  initialDelaySeconds: integer,
  periodSeconds: integer,
  successThreshold: integer,
  timeoutSeconds: integer,
});

const keyReference = object({ key: text, name: text, optional: flag }, ["key"]);

const variable = object(
  {
    name: text,
    value: text,
    valueFrom: object({
      configMapKeyRef: keyReference,
      fieldRef: object({ apiVersion: text, fieldPath: text }, ["fieldPath"]),
      resourceFieldRef: object({ containerName: text, divisor: integerOrText, resource: text }, ["resource"]),
      secretKeyRef: keyReference,
    }),
  },
  ["name"],
);

const container = object(
  {
    args: list(text),
    command: list(text),
    env: list(variable),
    envFrom: list(
      object({
        configMapRef: object({ name: text, optional: flag }),
        prefix: text,
        secretRef: object({ name: text, optional: flag }),
      }),
    ),
    image: text,
    imagePullPolicy: text,
    lifecycle: object({ postStart: object(handler), preStop: object(handler) }),
    livenessProbe: probe,
    name: text,
    ports: list(
      object({ containerPort: integer, hostIP: text, hostPort: integer, name: text, protocol: text }, [
        "containerPort",
      ]),
    ),
    readinessProbe: probe,
    resources: object({ limits: map(integerOrText), requests: map(integerOrText) }),
    securityContext: containerSecurityContext,
    startupProbe: probe,
    stdin: flag,
    stdinOnce: flag,
    terminationMessagePath: text,
    terminationMessagePolicy: text,
    tty: flag,
    volumeDevices: list(object({ devicePath: text, name: text }, ["devicePath", "name"])),
    volumeMounts: list(
      object(
        { mountPath: text, mountPropagation: text, name: text, readOnly: flag, subPath: text, subPathExpr: text },
        ["mountPath", "name"],
      ),
    ),
    workingDir: text,
  },
  ["name"],
);

const podTerm = object({ labelSelector: selector, namespaces: list(text), topologyKey: text }, ["topologyKey"]);
const podAffinity = object({
  requiredDuringSchedulingIgnoredDuringExecution: list(podTerm),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    object({ podAffinityTerm: podTerm, weight: integer }, ["podAffinityTerm", "weight"]),
  ),
});

const keyItems = list(object({ key: text, mode: integer, path: text }, ["key", "path"]));

const volume = object(
  {
    name: text,
    configMap: object({ defaultMode: integer, items: keyItems, name: text, optional: flag }),
    csi: anything,
    downwardAPI: anything,
    emptyDir: object({ medium: text, sizeLimit: integerOrText }),
    ephemeral: anything,
    hostPath: object({ path: text, type: text }, ["path"]),
    nfs: object({ path: text, readOnly: flag, server: text }, ["path", "server"]),
    persistentVolumeClaim: object({ claimName: text, readOnly: flag }, ["claimName"]),
    projected: object({
      defaultMode: integer,
      sources: list(
        object({ configMap: anything, downwardAPI: anything, secret: anything, serviceAccountToken: anything }),
      ),
    }),
    secret: object({ defaultMode: integer, items: keyItems, optional: flag, secretName: text }),
  },
  ["name"],
);

const podSpec = object(
  {
    activeDeadlineSeconds: long,
    affinity: object({ nodeAffinity: anything, podAffinity, podAntiAffinity: podAffinity }),
    automountServiceAccountToken: flag,
    containers: list(container),
    dnsConfig: anything,
    dnsPolicy: text,
    enableServiceLinks: flag,
    ephemeralContainers: list(anything),
    hostAliases: list(object({ hostnames: list(text), ip: text })),
    hostIPC: flag,
    hostNetwork: flag,
    hostPID: flag,
    hostname: text,
    imagePullSecrets: list(object({ name: text })),
    initContainers: list(container),
    nodeName: text,
    nodeSelector: map(text),
    overhead: map(integerOrText),
    preemptionPolicy: text,
    priority: integer,
    priorityClassName: text,
    readinessGates: list(object({ conditionType: text }, ["conditionType"])),
    restartPolicy: text,
    runtimeClassName: text,
    schedulerName: text,
    securityContext: podSecurityContext,
    serviceAccount: text,
    serviceAccountName: text,
    setHostnameAsFQDN: flag,
    shareProcessNamespace: flag,
    subdomain: text,
    terminationGracePeriodSeconds: long,
    tolerations: list(object({ effect: text, key: text, operator: text, tolerationSeconds: long, value: text })),
    topologySpreadConstraints: list(
      object({ labelSelector: selector, maxSkew: integer, topologyKey: text, whenUnsatisfiable: text }, [
        "maxSkew",
        "topologyKey",
        "whenUnsatisfiable",
      ]),
    ),
    volumes: list(volume),
  },
  ["containers"],
);

/** The template: its metadata is free, its pod is not. */
export const ascendJobTemplate: Schema = object({ metadata: anything, spec: podSpec });
