/**
 * The rules that every object must meet, as pure functions over a manifest. The plan, the tests over all stacks and the policy pack
 * use the same ones. A finding says where and what; it never repeats a value that could be a secret.
 */
import type { SecurityRuleName } from "../config/security-rules.ts";
import type { KubernetesObject } from "./planned-object.ts";
import { at, containersOf, type Fields, fieldsOf, listOf, podSpecs } from "./pod-templates.ts";

/** Rules about a single object; the others are about an environment as a whole. */
export type ObjectRuleName = Exclude<SecurityRuleName, "isolated-network" | "namespace-level">;

/** An object under examination. */
export interface RuleSubject {
  readonly manifest: KubernetesObject;
  /** Whether the engine protects it. */
  readonly isProtected: boolean;
}

type Check = (subject: RuleSubject) => readonly string[];

/** A check of each pod of an object. */
const ofPods =
  (check: (pod: Fields) => readonly string[]): Check =>
  ({ manifest }) =>
    podSpecs(manifest).flatMap(check);

/** A check of each container of an object: the message, or undefined when it is in order. */
const ofContainers = (check: (container: Fields, pod: Fields) => string | undefined): Check =>
  ofPods((pod) =>
    containersOf(pod).flatMap((container) => {
      const found = check(container, pod);
      return found === undefined ? [] : [`container ${String(container.name)} ${found}`];
    }),
  );

const security = (value: Fields): Fields => fieldsOf(value.securityContext);

/** NPU resources of either vendor naming: MindCluster's, CCE's and HAMi's all lie below this domain. */
const isNpu = (resource: string): boolean => resource.startsWith("huawei.com/");

const npus = (container: Fields, side: "requests" | "limits"): Fields =>
  Object.fromEntries(Object.entries(fieldsOf(at(container, "resources", side))).filter(([name]) => isNpu(name)));

/** Whether the object makes pods that hold NPUs. */
export const usesNpus = (manifest: KubernetesObject): boolean =>
  podSpecs(manifest).some((pod) =>
    containersOf(pod).some((container) => Object.keys(npus(container, "limits")).length > 0),
  );

function imageFinding(container: Fields): string | undefined {
  const image = String(container.image);
  if (/:latest(@|$)/.test(image)) return "runs a tag latest";
  return /@sha256:[0-9a-f]{64}$/.test(image) ? undefined : `runs ${image}, which has no digest`;
}

function privilegeFinding(container: Fields): string | undefined {
  const own = security(container);
  const dropped = at(own, "capabilities", "drop");
  if (own.privileged === true) return "is privileged";
  if (own.allowPrivilegeEscalation !== false) return "may gain privileges";
  if (at(own, "capabilities", "add") !== undefined) return "adds capabilities";
  return Array.isArray(dropped) && dropped.includes("ALL") ? undefined : "keeps capabilities";
}

function userFinding(container: Fields, pod: Fields): string | undefined {
  const user = security(container).runAsUser ?? security(pod).runAsUser;
  const isNonRoot = security(container).runAsNonRoot ?? security(pod).runAsNonRoot;
  return user === 0 || isNonRoot !== true ? "may run as root" : undefined;
}

function npuFinding(container: Fields): string | undefined {
  const requests = npus(container, "requests");
  const limits = npus(container, "limits");
  const names = [...new Set([...Object.keys(requests), ...Object.keys(limits)])];
  if (names.length > 1) return `asks for several NPU resources: ${names.join(", ")}`;
  const [name] = names;
  if (name === undefined || (requests[name] !== undefined && String(requests[name]) === String(limits[name])))
    return undefined;
  return `requests ${String(requests[name] ?? "no")} ${name} with a limit of ${String(limits[name] ?? "none")}`;
}

/** Names of variables and options whose value would be a secret. */
const secretName = /(^|[-_])(TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIALS?|API[-_]?KEY|ACCESS[-_]?KEY|PRIVATE[-_]?KEY)$/i;

/** Values that are secrets whatever their name: keys and tokens of well-known forms. */
const secretValues: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bhf_[A-Za-z0-9]{30,}/,
  /\bgh[pousr]_[A-Za-z0-9]{36}/,
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/,
];

function argumentNames(container: Fields): readonly string[] {
  const words = [container.command, container.args].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
  return words.flatMap((word, index) => {
    const [name = "", value] = word.split("=", 2);
    const isGiven = value !== undefined ? value !== "" : words[index + 1]?.startsWith("--") === false;
    return name.startsWith("--") && secretName.test(name) && isGiven ? [name] : [];
  });
}

function secretFindings({ manifest }: RuleSubject): readonly string[] {
  if (manifest.kind === "Secret") {
    // The engine fills in registry credentials from the encrypted configuration; every other value would come from the plan.
    const isFilledIn = manifest.type === "kubernetes.io/dockerconfigjson";
    return isFilledIn || (manifest.data === undefined && manifest.stringData === undefined) ? [] : ["holds values"];
  }
  const containers = podSpecs(manifest).flatMap(containersOf);
  const variables = containers
    .flatMap(({ env }) => listOf(env))
    .filter(({ name, value }) => secretName.test(String(name)) && value !== undefined && value !== "")
    .map(({ name }) => `the variable ${String(name)} has its value written out`);
  const options = containers.flatMap(argumentNames).map((name) => `the option ${name} has its value written out`);
  const text = JSON.stringify(manifest);
  const patterns = secretValues.filter((pattern) => pattern.test(text)).map(() => "a key or token stands in it");
  return [...variables, ...options, ...patterns];
}

function lifetimeFindings({ manifest }: RuleSubject): readonly string[] {
  const places = [
    ["spec", "ttlSecondsAfterFinished"],
    ["spec", "runPolicy", "ttlSecondsAfterFinished"],
  ];
  const found = places.filter((path) => at(manifest, ...path) !== undefined).map((path) => `${path.join(".")} is set`);
  const isReplaced = manifest.metadata.annotations?.["pulumi.com/replaceUnready"] !== undefined;
  return podSpecs(manifest).length === 0 ? [] : [...found, ...(isReplaced ? ["pulumi.com/replaceUnready is set"] : [])];
}

/** The rules about single objects by name. */
export const objectRules: Readonly<Record<ObjectRuleName, Check>> = {
  "image-by-digest": ofContainers(imageFinding),
  "no-host-namespaces": ofPods((pod) =>
    ["hostNetwork", "hostPID", "hostIPC"].filter((field) => pod[field] === true).map((field) => `${field} is set`),
  ),
  "no-host-paths": ofPods((pod) =>
    listOf(pod.volumes)
      .filter(({ hostPath }) => hostPath !== undefined)
      .map((volume) => `the folder ${String(at(volume, "hostPath", "path"))} of the host is mounted`),
  ),
  "no-privilege": ofContainers(privilegeFinding),
  "no-secret-values": secretFindings,
  "no-service-account-token": ofPods((pod) =>
    pod.automountServiceAccountToken === false ? [] : ["the token of the service account is mounted"],
  ),
  "no-time-to-live": lifetimeFindings,
  "non-root": ofContainers(userFinding),
  "npu-requests-equal-limits": ofContainers(npuFinding),
  "protected-training": ({ manifest, isProtected }) =>
    usesNpus(manifest) && !isProtected ? ["may be replaced or deleted while it runs"] : [],
  "read-only-root": ofContainers((container) =>
    security(container).readOnlyRootFilesystem === true ? undefined : "can write to its root file system",
  ),
  seccomp: ofContainers((container, pod) => {
    const profile = at(security(container), "seccompProfile", "type") ?? at(security(pod), "seccompProfile", "type");
    return profile === "RuntimeDefault" || profile === "Localhost" ? undefined : "runs without a seccomp profile";
  }),
};

/** Names of the rules about single objects. */
export const objectRuleNames = Object.keys(objectRules).sort() as readonly ObjectRuleName[];

/** A broken rule. */
export interface RuleFinding {
  readonly rule: ObjectRuleName;
  /** The object, as `Job t2v-pretrain`. */
  readonly subject: string;
  readonly what: string;
}

/** Everything that is wrong with one object. */
export function ruleFindings(subject: RuleSubject): readonly RuleFinding[] {
  const { kind, metadata } = subject.manifest;
  return objectRuleNames.flatMap((rule) =>
    [...new Set(objectRules[rule](subject))].map((what) => ({ rule, subject: `${kind} ${metadata.name}`, what })),
  );
}
