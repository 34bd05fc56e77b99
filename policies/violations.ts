/** The security rules over resources, as the engine hands them to a policy pack. */
import type { SecurityRuleName } from "../src/config/security-rules.ts";
import { waiverAnnotation } from "../src/environment/waiver-list.ts";
import type { KubernetesObject } from "../src/kubernetes/planned-object.ts";
import { levelFor, levelReasons } from "../src/kubernetes/pod-security-level.ts";
import { podSpecs } from "../src/kubernetes/pod-templates.ts";
import { type ObjectRuleName, objectRules } from "../src/kubernetes/rules.ts";

/** What the rules read of a resource. */
export interface StackResource {
  readonly type: string;
  readonly urn: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly opts: { readonly protect?: boolean };
}

/** A broken rule. */
export interface Violation {
  readonly message: string;
  readonly urn: string;
}

const isManifest = (props: StackResource["props"]): props is StackResource["props"] & KubernetesObject =>
  typeof props.kind === "string" && typeof props.apiVersion === "string" && typeof props.metadata === "object";

/** The manifest of a Kubernetes resource; undefined for any other resource. */
function manifestOf({ type, props }: StackResource): KubernetesObject | undefined {
  return type.startsWith("kubernetes:") && isManifest(props) ? props : undefined;
}

/** Whether the object itself says why it breaks the rule. */
const isWaived = ({ metadata }: KubernetesObject, rule: SecurityRuleName): boolean =>
  metadata.annotations?.[`${waiverAnnotation}${rule}`] !== undefined;

/** How one object breaks a rule about single objects. */
export function objectViolations(rule: ObjectRuleName, resource: StackResource): readonly string[] {
  const manifest = manifestOf(resource);
  if (manifest === undefined || isWaived(manifest, rule)) return [];
  const found = objectRules[rule]({ manifest, isProtected: resource.opts.protect === true });
  return [...new Set(found)].map((what) => `${manifest.kind} ${manifest.metadata.name}: ${what}`);
}

/** Rules about a namespace with everything in it. */
export type NamespaceRuleName = Exclude<SecurityRuleName, ObjectRuleName>;

/** Names of the rules about namespaces. */
export const namespaceRuleNames: readonly NamespaceRuleName[] = ["isolated-network", "namespace-level"];

function namespaceMessage(rule: NamespaceRuleName, manifest: KubernetesObject, inside: readonly KubernetesObject[]) {
  const pods = inside.flatMap(podSpecs);
  const { name, labels } = manifest.metadata;
  if (pods.length === 0 || isWaived(manifest, rule)) return undefined;
  if (rule === "isolated-network") {
    return inside.some(({ kind }) => kind === "NetworkPolicy")
      ? undefined
      : `Namespace ${name} has pods and no network policy`;
  }
  const enforced = labels?.["pod-security.kubernetes.io/enforce"];
  const needed = levelFor(pods.flatMap(levelReasons));
  return enforced === needed
    ? undefined
    : `Namespace ${name} enforces ${enforced ?? "nothing"} where ${needed} admits every pod`;
}

/** How the namespaces of a stack break a rule. */
export function namespaceViolations(
  rule: NamespaceRuleName,
  resources: readonly StackResource[],
): readonly Violation[] {
  const manifests = resources.flatMap((resource) => manifestOf(resource) ?? []);
  return resources.flatMap((resource) => {
    const manifest = manifestOf(resource);
    if (manifest?.kind !== "Namespace") return [];
    const inside = manifests.filter(({ metadata }) => metadata.namespace === manifest.metadata.name);
    const message = namespaceMessage(rule, manifest, inside);
    return message === undefined ? [] : [{ message, urn: resource.urn }];
  });
}
