/** What was read from a cluster: plain data without secret values, so that every check is a pure function over it. */
import type { Amounts } from "./quantity.ts";

/** What the cluster answered, or why it said nothing. */
export type Told<Value> =
  | { readonly isKnown: true; readonly value: Value }
  | { readonly isKnown: false; readonly because: string };

/** An answer. */
export const told = <Value>(value: Value): Told<Value> => ({ isKnown: true, value });

/** No answer. */
export const untold = (because: string): Told<never> => ({ isKnown: false, because });

/** A kind that the API server serves. */
export interface ServedKind {
  readonly kind: string;
  /** Name in paths and in access rules. */
  readonly plural: string;
  readonly isNamespaced: boolean;
}

/** A taint of a node. */
export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** A node. */
export interface NodeFact {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isReady: boolean;
  /** Nobody may place pods on it for now. */
  readonly isCordoned: boolean;
  readonly taints: readonly Taint[];
  readonly allocatable: Amounts;
  /** The super pod that it stands in, as the device plugin says. */
  readonly superPod?: string;
}

/** A pod that is not over, with what it takes from its node. */
export interface PodFact {
  readonly node: string;
  readonly requests: Amounts;
}

/** The namespace of the stack. */
export interface NamespaceFact {
  readonly labels: Readonly<Record<string, string>>;
  readonly isEnding: boolean;
}

/** A claim. */
export interface ClaimFact {
  readonly name: string;
  readonly phase: string;
  readonly accessModes: readonly string[];
  readonly storageClass: string;
  readonly isEnding: boolean;
}

/** A storage class. */
export interface StorageClassFact {
  readonly name: string;
  readonly provisioner: string;
  readonly isDefault: boolean;
  readonly waitsForPod: boolean;
}

/** A secret without its values. */
export interface SecretFact {
  readonly type: string;
  readonly keys: readonly string[];
  /** Registries that a Docker configuration has credentials for; undefined when there is no readable one. */
  readonly registries?: readonly string[];
}

/** A quota of the namespace. */
export interface QuotaFact {
  readonly name: string;
  readonly hard: Amounts;
  readonly used: Amounts;
}

/** A Deployment or DaemonSet of a platform component. */
export interface ControllerFact {
  readonly name: string;
  readonly wanted: number;
  readonly ready: number;
}

/** A Volcano queue. */
export interface QueueFact {
  readonly state: string;
  readonly capability: Amounts;
}

/** An object that is there already under the name of a planned one. */
export interface ExistingFact {
  readonly labels: Readonly<Record<string, string>>;
  readonly isEnding: boolean;
}

/** Whether the caller may do something. */
export interface RightFact {
  readonly group: string;
  /** With its part, if any: `pods/log`. */
  readonly resource: string;
  readonly verb: string;
  readonly namespace?: string;
  readonly isAllowed: boolean;
}

/** A creation that the API server went through without keeping the result. */
export interface TrialFact {
  /** `pod` for a pod made from the template of a workload. */
  readonly subject: "object" | "pod";
  readonly where: string;
  /** Tried in another namespace, because that of the stack is not there yet: what depends on the namespace says nothing. */
  readonly isElsewhere: boolean;
  readonly status: number;
  readonly message: string;
  readonly warnings: readonly string[];
}

/** Everything that the checks look at. */
export interface ClusterFacts {
  readonly server: string;
  /** Who asks, as the cluster calls them; empty when it does not say. */
  readonly caller: string;
  /** Version of Kubernetes as the cluster writes it, e.g. `v1.36.1`. */
  readonly version: string;
  /** Versions by group; the core group has the name "". */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Kinds by `apiVersion`, for those that the stack needs and the cluster serves. */
  readonly kinds: Readonly<Record<string, readonly ServedKind[]>>;
  readonly nodes: Told<readonly NodeFact[]>;
  readonly pods: Told<readonly PodFact[]>;
  readonly namespace: Told<NamespaceFact | undefined>;
  readonly existing: Readonly<Record<string, Told<ExistingFact | undefined>>>;
  readonly claims: Told<readonly ClaimFact[]>;
  readonly storageClasses: Told<readonly StorageClassFact[]>;
  readonly secrets: Readonly<Record<string, Told<SecretFact | undefined>>>;
  readonly priorityClasses: Told<readonly string[]>;
  readonly quotas: Told<readonly QuotaFact[]>;
  /** Controllers by namespace, for the namespaces of the components that the stack relies on. */
  readonly controllers: Readonly<Record<string, Told<readonly ControllerFact[]>>>;
  /** Configuration of Volcano's scheduler; undefined when there is none under the usual name. */
  readonly volcanoConfiguration: Told<string | undefined>;
  readonly queues: Readonly<Record<string, Told<QueueFact | undefined>>>;
  /** Whether each queue of Kueue is there. */
  readonly localQueues: Readonly<Record<string, Told<boolean>>>;
  /** Services of the cluster's DNS. */
  readonly dnsServices: Told<number>;
  readonly rights: readonly RightFact[];
  readonly trials: readonly TrialFact[];
}
