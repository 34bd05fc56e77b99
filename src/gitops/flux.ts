/**
 * Delivery by Flux: a GitRepository, and one Kustomization a wave, each waiting for the one before. Flux orders Kustomizations, not
 * objects, so the folder must be rendered by wave (`ascend render --by-wave`).
 */
import type { KubernetesObject, PlannedObject } from "../kubernetes/planned-object.ts";
import { waveFolders, waveOf } from "./render.ts";
import { type DeliveredStack, type DeliverySource, deliveryLabels, stackFolder } from "./source.ts";

/** Where Flux keeps its own objects, and how often it looks. */
export interface FluxSettings {
  readonly namespace: string;
  /** How often Git and the cluster are compared, as a Go duration. */
  readonly interval: string;
  /** Account that Flux acts as in the target namespace; its own when absent. */
  readonly serviceAccountName?: string;
}

/** A branch, a tag or a commit, as Flux wants them told apart. */
const reference = (revision: string): Readonly<Record<string, string>> => {
  if (/^[0-9a-f]{40}$/.test(revision)) return { commit: revision };
  return revision.startsWith("refs/") ? { name: revision } : { branch: revision };
};

const name = (stack: string, folder: string): string => `${stack}-${folder}`;

/** How long Flux waits for a wave: the longest wait of its stages and some minutes for placement. */
const timeoutMinutes = (objects: readonly PlannedObject[]): number =>
  10 + Math.ceil(Math.max(0, ...objects.map(({ timeoutSeconds }) => timeoutSeconds ?? 0)) / 60);

/**
 * The objects of one stack. The last wave holds trainings and is not waited for; the others must be ready before the next starts.
 *
 * @param objects all planned objects of the stack
 */
export function fluxObjects(
  stack: DeliveredStack,
  source: DeliverySource,
  settings: FluxSettings,
  objects: readonly PlannedObject[],
): readonly KubernetesObject[] {
  const metadata = (own: string) => ({
    name: own,
    namespace: settings.namespace,
    labels: deliveryLabels(stack.name),
    annotations: {},
  });
  const repository: KubernetesObject = {
    apiVersion: "source.toolkit.fluxcd.io/v1",
    kind: "GitRepository",
    metadata: metadata(stack.name),
    spec: { interval: settings.interval, url: source.repository, ref: reference(source.revision) },
  };
  const folders = waveFolders(objects);
  const kustomizations = folders.map(({ wave, folder }, index): KubernetesObject => {
    const own = objects.filter((object) => waveOf(object) === wave);
    const before = folders[index - 1];
    const isAwaited = index < folders.length - 1;
    return {
      apiVersion: "kustomize.toolkit.fluxcd.io/v1",
      kind: "Kustomization",
      metadata: metadata(name(stack.name, folder)),
      spec: {
        interval: settings.interval,
        path: `./${stackFolder(source, stack.name)}/${folder}`,
        prune: true,
        sourceRef: { kind: "GitRepository", name: stack.name },
        ...(before === undefined ? {} : { dependsOn: [{ name: name(stack.name, before.folder) }] }),
        ...(isAwaited ? { wait: true, timeout: `${timeoutMinutes(own)}m` } : {}),
        ...(settings.serviceAccountName === undefined ? {} : { serviceAccountName: settings.serviceAccountName }),
      },
    };
  });
  return [repository, ...kustomizations];
}
