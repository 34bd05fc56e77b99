/** Objects that surround the stages: hot to change, gone with the stack. */
import type { Environment } from "../config/schema.ts";
import {
  type KubernetesObject,
  objectLabels,
  type PlannedObject,
  waveAnnotation,
  waves,
} from "../kubernetes/planned-object.ts";

/** An environment with the name of its stack. */
export interface NamedEnvironment {
  readonly environmentName: string;
  readonly environment: Environment;
}

/** What distinguishes one surrounding object from another. */
export interface OwnObject {
  /** Name in the engine's state. */
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Name in the cluster. */
  readonly objectName: string;
  /** Part of the environment that it belongs to, for its label. */
  readonly component: string;
  /** Whether it belongs to the whole cluster rather than to the namespace. */
  readonly isClusterScoped?: boolean;
  /** Everything beside apiVersion, kind and metadata. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Names of the objects it comes after, beside the namespace. */
  readonly after?: readonly string[];
}

/** Completes a surrounding object. */
export function ownObject({ environmentName, environment }: NamedEnvironment, own: OwnObject): PlannedObject {
  const isClusterScoped = own.isClusterScoped === true;
  const manifest: KubernetesObject = {
    apiVersion: own.apiVersion,
    kind: own.kind,
    metadata: {
      name: own.objectName,
      ...(isClusterScoped ? {} : { namespace: environment.namespace }),
      labels: objectLabels(environmentName, own.component, environment.labels),
      annotations: waveAnnotation(isClusterScoped ? waves.namespace : waves.storage),
    },
    ...own.fields,
  };
  return {
    name: own.name,
    manifest,
    after: [...(isClusterScoped ? [] : ["namespace"]), ...(own.after ?? [])],
    isProtected: false,
    isRetained: false,
  };
}
