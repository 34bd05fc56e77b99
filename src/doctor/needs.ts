/** What a planned stack needs of its cluster: read from the objects themselves, so that it is what `up` would really ask for. */
import type { Environment } from "../config/schema.ts";
import type { KubernetesObject, PlannedObject } from "../kubernetes/planned-object.ts";
import { containersOf } from "../kubernetes/pod-templates.ts";
import { dataAt, listAt, type TemplateUse, templatesOf } from "../workloads/rules/pod-templates.ts";
import { podRequests, textAt, textsAt } from "./pod-demand.ts";
import type { Amounts } from "./quantity.ts";

/** The pods of one workload. */
export interface PodsNeed {
  readonly object: PlannedObject;
  readonly kind: "cpu" | "npu";
  /** How many pods run at once. */
  readonly count: number;
  /** A template that stands for all: they differ in their place in the job alone. */
  readonly template: TemplateUse;
  readonly requests: Amounts;
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/** A stack as the checks see it. */
export interface Needs {
  readonly stack: string;
  readonly namespace: string;
  readonly environment: Environment;
  readonly objects: readonly PlannedObject[];
  readonly pods: readonly PodsNeed[];
}

/** `AscendJob t2v-pretrain` */
export const objectTitle = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.name}`;

/** Key of an object among those of a stack. */
export const objectKey = ({ apiVersion, kind, metadata }: KubernetesObject): string =>
  `${apiVersion}/${kind}/${metadata.name}`;

/** NPUs of one pod. */
export const npusOf = ({ requests }: PodsNeed): number =>
  Object.entries(requests).reduce((sum, [name, amount]) => (name.startsWith("huawei.com/") ? sum + amount : sum), 0);

function podsOf(object: PlannedObject): readonly PodsNeed[] {
  const templates = templatesOf(object.manifest);
  const [template] = templates;
  if (template === undefined) return [];
  const requests = podRequests(template.pod);
  const hasNpus = Object.keys(requests).some((name) => name.startsWith("huawei.com/"));
  return [
    {
      object,
      kind: hasNpus ? "npu" : "cpu",
      count: templates.reduce((sum, { replicas }) => sum + replicas, 0),
      template,
      requests,
      nodeSelector: textsAt(template.pod, "nodeSelector"),
    },
  ];
}

/** What a stack needs. */
export const needsOf = (stack: string, environment: Environment, objects: readonly PlannedObject[]): Needs => ({
  stack,
  namespace: environment.namespace,
  environment,
  objects,
  pods: objects.flatMap(podsOf),
});

/** Names of objects of a kind that the stack makes itself. */
export const madeNames = ({ objects }: Needs, ...kinds: readonly string[]): readonly string[] =>
  objects.filter(({ manifest }) => kinds.includes(manifest.kind)).map(({ manifest }) => manifest.metadata.name);

const unique = (names: readonly string[]): readonly string[] => [...new Set(names.filter((name) => name !== ""))];

/** Names of the claims that pods mount. */
export const claimNames = ({ pods }: Needs): readonly string[] =>
  unique(
    pods.flatMap(({ template }) =>
      listAt(template.pod, "volumes").map((volume) => textAt(volume, "persistentVolumeClaim", "claimName")),
    ),
  );

/** Names of the secrets by which nodes pull images. */
export const pullSecretNames = ({ pods }: Needs): readonly string[] =>
  unique(
    pods.flatMap(({ template }) => listAt(template.pod, "imagePullSecrets").map((entry) => textAt(entry, "name"))),
  );

/** A value in a secret that a container gets as a variable. */
export interface SecretKey {
  readonly variable: string;
  readonly secret: string;
  readonly key: string;
}

/** Values in secrets that containers get as variables, each once. */
export function secretKeys({ pods }: Needs): readonly SecretKey[] {
  const found = pods
    .flatMap(({ template }) => containersOf(template.pod))
    .flatMap((container) => listAt(container, "env"))
    .map((entry) => ({
      variable: textAt(entry, "name"),
      secret: textAt(entry, "valueFrom", "secretKeyRef", "name"),
      key: textAt(entry, "valueFrom", "secretKeyRef", "key"),
    }))
    .filter(({ secret }) => secret !== "");
  return [...new Map(found.map((entry) => [JSON.stringify(entry), entry])).values()];
}

/** Images of all containers, each once. */
export const imagesOf = ({ pods }: Needs): readonly string[] =>
  unique(pods.flatMap(({ template }) => containersOf(template.pod).map((container) => textAt(container, "image"))));

/** Names of the priority classes of pods. */
export const priorityClassNames = ({ pods }: Needs): readonly string[] =>
  unique(pods.map(({ template }) => textAt(template.pod, "priorityClassName")));

/** Names of the Volcano queues that workloads wait in. */
export const queueNames = ({ objects }: Needs): readonly string[] =>
  unique(
    objects.map(({ manifest }) => {
      const spec = dataAt(manifest, "spec");
      if (manifest.kind === "AscendJob") return textAt(spec, "runPolicy", "schedulingPolicy", "queue");
      return manifest.apiVersion.startsWith("batch.volcano.sh/") ? textAt(spec, "queue") : "";
    }),
  );

/** Names of the queues of Kueue that workloads wait in. */
export const localQueueNames = ({ objects }: Needs): readonly string[] =>
  unique(objects.map(({ manifest }) => manifest.metadata.labels["kueue.x-k8s.io/queue-name"] ?? ""));
