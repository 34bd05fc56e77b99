/** A Kubernetes object as plain data, with what the engine and Git must know beside it. */

/** Any Kubernetes object; the part that every kind has is typed. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** A secret whose value is filled in by the engine and never stands in a manifest: registry credentials. */
export interface RegistrySecret {
  readonly server: string;
  readonly username: string;
  /** Path of the password in the stack's configuration. */
  readonly passwordPath: readonly (string | number)[];
}

/** One object of the environment. */
export interface PlannedObject {
  /** Name in the engine's state, unique in the stack; also the base of its file name in Git. */
  readonly name: string;
  readonly manifest: KubernetesObject;
  /** Names of the objects that must be there, and of the Jobs that must be complete, before this one is created. */
  readonly after: readonly string[];
  /** The engine refuses to delete or replace it until the protection is lifted. */
  readonly isProtected: boolean;
  /** It stays in the cluster when it leaves the stack. */
  readonly isRetained: boolean;
  /** Stage that it belongs to, if any. */
  readonly stage?: string;
  /** How long the engine waits for it at most. */
  readonly timeoutSeconds?: number;
  readonly registrySecret?: RegistrySecret;
  /**
   * Paths whose change makes a new object, for custom resources that must not be edited in place: the engine itself replaces those
   * by name and namespace alone.
   */
  readonly replaceOnChanges?: readonly string[];
  /** Paths of fields that others write and that the engine leaves alone, e.g. `spec.suspend`. */
  readonly ignoredFields?: readonly string[];
}

/**
 * Waves of creation: an object is applied when those of lower waves are healthy. The same order for the engine (through `after`)
 * and for Argo CD (through the annotation).
 */
export const waves = {
  namespace: -30,
  storage: -20,
  files: -10,
  download: -5,
  processorStage: 0,
  npuStage: 10,
  afterNpuStage: 15,
  afterMergedWeights: 20,
} as const;

/** Annotation that carries the wave. Argo CD reads it; everything else ignores it. */
export const waveAnnotation = (wave: number): Readonly<Record<string, string>> => ({
  "argocd.argoproj.io/sync-wave": String(wave),
});

/** Labels of the objects of one environment; `own` are labels that the user wants on every object. */
export function objectLabels(
  environmentName: string,
  component: string,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    ...own,
    "app.kubernetes.io/name": "ascend-stacks",
    "app.kubernetes.io/instance": environmentName,
    "app.kubernetes.io/component": component,
  };
}
