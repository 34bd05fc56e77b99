/** Priority and queues: a PriorityClass, a Volcano Queue, and the label by which Kueue admits a job. */
import type { Environment } from "../config/schema.ts";
import { npuResourceName } from "../kubernetes/npus.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { priorityClassName } from "../kubernetes/pod-security.ts";
import { type NamedEnvironment, ownObject } from "./own-object.ts";

/** Label by which Kueue admits a job. Source: Kueue's integrations of batch Job and JobSet. */
export const kueueLabel = "kueue.x-k8s.io/queue-name";

/** Kinds that Kueue admits, of those that this project makes. */
const kueueKinds = ["Job", "JobSet"];

/** The queue that the scheduler settings name, where the kind has one. */
export const schedulerQueue = ({ cluster: { scheduler } }: Environment): string | undefined =>
  "queue" in scheduler ? scheduler.queue : undefined;

/** Name of the Volcano Queue that is made, if any. */
export const madeQueueName = (environment: Environment): string | undefined =>
  environment.queue.volcano === undefined
    ? undefined
    : (environment.queue.volcano.name ?? schedulerQueue(environment) ?? `ascend-stacks-${environment.namespace}`);

/** The priority of stage pods. A class cannot be changed, so its name carries what it says. */
function priorityObjects(named: NamedEnvironment): readonly PlannedObject[] {
  const { priority } = named.environment;
  const objectName = priorityClassName(named.environment);
  if (priority?.value === undefined || objectName === undefined) return [];
  return [
    ownObject(named, {
      name: `priority-class-${priority.value}${priority.preempts ? "-preempting" : ""}`,
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      objectName,
      component: "queue",
      isClusterScoped: true,
      fields: {
        description: `Stage pods of the environment ${named.environmentName}`,
        value: priority.value,
        preemptionPolicy: priority.preempts ? "PreemptLowerPriority" : "Never",
      },
    }),
  ];
}

function queueObjects(named: NamedEnvironment): readonly PlannedObject[] {
  const settings = named.environment.queue.volcano;
  const objectName = madeQueueName(named.environment);
  if (settings === undefined || objectName === undefined) return [];
  const capability =
    settings.npus === undefined ? {} : { capability: { [npuResourceName(named.environment)]: String(settings.npus) } };
  return [
    ownObject(named, {
      name: "volcano-queue",
      apiVersion: "scheduling.volcano.sh/v1beta1",
      kind: "Queue",
      objectName,
      component: "queue",
      isClusterScoped: true,
      fields: { spec: { weight: settings.weight, reclaimable: settings.reclaimable, ...capability } },
    }),
  ];
}

/** Priority class and queue of the environment. */
export const queueingObjects = (named: NamedEnvironment): readonly PlannedObject[] => [
  ...priorityObjects(named),
  ...queueObjects(named),
];

/**
 * The same object, admitted by Kueue: labelled, and with `suspend` left to Kueue. A refresh records that Kueue has flipped the field;
 * applied again, it would stop the run.
 */
export function admittedByKueue({ queue }: Environment, object: PlannedObject): PlannedObject {
  const { manifest } = object;
  if (queue.kueue === undefined || !kueueKinds.includes(manifest.kind)) return object;
  if (manifest.apiVersion.startsWith("batch.volcano.sh/")) return object;
  const labels = { ...manifest.metadata.labels, [kueueLabel]: queue.kueue };
  return {
    ...object,
    manifest: { ...manifest, metadata: { ...manifest.metadata, labels } },
    ignoredFields: [...(object.ignoredFields ?? []), "spec.suspend"],
  };
}
