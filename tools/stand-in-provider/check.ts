/** Completing a program's inputs: kind, name and namespace. */
import { annotationNames, isAnnotated } from "./annotations.ts";
import { withoutServerFields } from "./checkpoint.ts";
import { type Discovery, isDefinition } from "./discovery.ts";
import { ProviderError } from "./errors.ts";
import { type JsonObject, textAt, valueAt, withoutValue, withValue } from "./json.ts";
import { fromKubernetes, isUnknown, markSecrets, toKubernetes } from "./property-values.ts";
import { automaticName, type ObjectType } from "./tokens.ts";

/** How the engine wants automatic names to be made; undefined leaves it to the provider. */
export type Autonaming =
  | { readonly mode: "propose" | "enforce"; readonly proposedName: string }
  | { readonly mode: "disable" };

/** What Check is told about one resource. */
export interface CheckedResource {
  readonly type: ObjectType;
  readonly logicalName: string;
  /** New inputs in wire form. */
  readonly news: JsonObject;
  /** Inputs of the last update in wire form; undefined for a new resource. */
  readonly olds: JsonObject | undefined;
  readonly randomSeed: Uint8Array;
  readonly autonaming: Autonaming | undefined;
}

function nameFor({ logicalName, randomSeed, autonaming }: CheckedResource): string {
  if (autonaming === undefined) return automaticName(logicalName, randomSeed);
  if (autonaming.mode === "disable") {
    throw new ProviderError(
      `Resource "${logicalName}" needs metadata.name: automatic names are switched off by pulumi:autonaming.`,
    );
  }
  return autonaming.proposedName;
}

/**
 * Gives an object a name if it has none: the one it had, else a new one. The annotation tells later runs that the name may change.
 *
 * @throws ProviderError for generateName, which server-side apply cannot use, and when automatic names are switched off
 */
export function withName(object: JsonObject, resource: CheckedResource): JsonObject {
  if (valueAt(object, "metadata", "name")) return object;
  if (valueAt(object, "metadata", "generateName") !== undefined) {
    throw new ProviderError(
      "metadata.generateName is not supported with server-side apply. Set metadata.name, or leave both out.",
    );
  }
  const olds = resource.olds === undefined ? {} : toKubernetes(resource.olds);
  const oldName = isAnnotated(olds, "autonamed") ? textAt(olds, "metadata", "name") : undefined;
  if (isUnknown(object.metadata)) return object;
  const named = withValue(object, ["metadata", "name"], oldName ?? nameFor(resource));
  if (isUnknown(valueAt(named, "metadata", "annotations"))) return named;
  return withValue(named, ["metadata", "annotations", annotationNames.autonamed], "true");
}

/** Gives an object the namespace it will land in. Kinds that nobody knows yet count as namespaced. */
export async function withNamespace(
  object: JsonObject,
  type: ObjectType,
  discovery: Discovery,
  defaultNamespace: string,
): Promise<JsonObject> {
  const kind = await discovery.find(type);
  if (kind?.isNamespaced === false) return withoutValue(object, ["metadata", "namespace"]);
  if (valueAt(object, "metadata", "namespace") || isUnknown(object.metadata)) return object;
  return withValue(object, ["metadata", "namespace"], defaultNamespace);
}

/** Lists and patches are classes of the SDK, not kinds of the server. */
async function refuseSdkKinds(
  type: ObjectType,
  discovery: Discovery,
  refusal: (what: string) => string,
): Promise<void> {
  const suffix = ["List", "Patch"].find((ending) => type.kind.endsWith(ending) && type.kind !== ending);
  if (suffix === undefined || (await discovery.find(type)) !== undefined) return;
  const base = { ...type, kind: type.kind.slice(0, -suffix.length) };
  if ((await discovery.find(base)) === undefined) return;
  if (suffix === "Patch") throw new ProviderError(refusal(`Patch resources (${type.kind})`));
  throw new ProviderError(`${type.kind} is no object of its own. Create each ${base.kind} as a resource.`);
}

/**
 * Completes the inputs of a resource.
 *
 * @returns the inputs in wire form, with what was secret still secret
 * @throws ProviderError when the resource cannot be named or is of a kind that is not supported
 */
export async function checkResource(
  resource: CheckedResource,
  discovery: Discovery,
  defaultNamespace: string,
  refusal: (what: string) => string,
): Promise<JsonObject> {
  await refuseSdkKinds(resource.type, discovery, refusal);
  const inputs = withoutServerFields(toKubernetes(resource.news));
  const typed: JsonObject = { ...resource.type, ...inputs };
  if (isAnnotated(typed, "replaceUnready"))
    throw new ProviderError(refusal(`the annotation ${annotationNames.replaceUnready}`));
  if (isDefinition(typed)) discovery.learn(typed);
  const complete = await withNamespace(withName(typed, resource), resource.type, discovery, defaultNamespace);
  return markSecrets(fromKubernetes(complete), resource.news);
}
