/**
 * Delivery by Argo CD: an Application for one stack, or an ApplicationSet over several.
 *
 * Order comes from the objects' sync waves: Argo CD starts a wave when the objects of the one before are healthy, and a Job is
 * healthy when it is complete. Hooks are not used: Argo CD deletes and repeats hook Jobs, which a training must never be.
 */
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import { type DeliveredStack, type DeliverySource, deliveryLabels, stackFolder } from "./source.ts";

/** Where Argo CD keeps its own objects, and which of its projects the applications belong to. */
export interface ArgoCdSettings {
  /** Namespace of Argo CD itself. */
  readonly namespace: string;
  readonly project: string;
  /** Address of the API server to deliver to. */
  readonly server: string;
}

/**
 * Fields that others change while a training runs: `suspend` is set by queues and by `ascend stop`. Without this, Argo CD would set
 * it back and end or start the run.
 */
const ignoredDifferences = [
  { group: "batch", kind: "Job", jsonPointers: ["/spec/suspend"] },
  { group: "jobset.x-k8s.io", kind: "JobSet", jsonPointers: ["/spec/suspend"] },
];

/**
 * Automatic, with pruning of what Git no longer holds; what must stay says so itself. No self-healing: it would undo what an
 * operator does to a running job in an emergency. Server-side apply, as the engine does it.
 */
const syncPolicy = {
  automated: { prune: true, selfHeal: false },
  syncOptions: ["ServerSideApply=true", "RespectIgnoreDifferences=true", "PruneLast=true", "FailOnSharedResource=true"],
};

const spec = (source: DeliverySource, settings: ArgoCdSettings, path: string, namespace: string) => ({
  project: settings.project,
  source: { repoURL: source.repository, targetRevision: source.revision, path },
  destination: { server: settings.server, namespace },
  ignoreDifferences: ignoredDifferences,
  syncPolicy,
});

/** The Application of one stack. It has no finalizer: removing the Application leaves the environment where it is. */
export const argoCdApplication = (
  stack: DeliveredStack,
  source: DeliverySource,
  settings: ArgoCdSettings,
): KubernetesObject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: {
    name: stack.name,
    namespace: settings.namespace,
    labels: deliveryLabels(stack.name),
    annotations: {},
  },
  spec: spec(source, settings, stackFolder(source, stack.name), stack.namespace),
});

/** One ApplicationSet whose Applications are those that {@link argoCdApplication} makes; a stack that leaves the list is kept. */
export const argoCdApplicationSet = (
  name: string,
  stacks: readonly DeliveredStack[],
  source: DeliverySource,
  settings: ArgoCdSettings,
): KubernetesObject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "ApplicationSet",
  metadata: { name, namespace: settings.namespace, labels: deliveryLabels(name), annotations: {} },
  spec: {
    goTemplate: true,
    goTemplateOptions: ["missingkey=error"],
    generators: [
      {
        list: {
          elements: stacks.map((stack) => ({
            stack: stack.name,
            namespace: stack.namespace,
            path: stackFolder(source, stack.name),
          })),
        },
      },
    ],
    syncPolicy: { preserveResourcesOnDeletion: true },
    template: {
      metadata: { name: "{{.stack}}", labels: { ...deliveryLabels("{{.stack}}") } },
      spec: spec(source, settings, "{{.path}}", "{{.namespace}}"),
    },
  },
});
