/**
 * Pulumi's property values in their wire form: secrets, resource references and unknown values inside plain JSON.
 * Signatures and placeholders: Pulumi SDK 3.259.0, `sig.go` and `plugin/rpc.go`.
 */
import { isList, isObject, type Json, type JsonObject, mapObject } from "./json.ts";

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const resourceReferenceSignature = "5cf8f73096256a8f31e491e813e4eb8e";

/** Placeholder of a text that is not known before the update has run. */
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const unknownPlaceholders: ReadonlySet<Json> = new Set([
  unknownText,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // list
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** Whether a value is not known yet. */
export const isUnknown = (value: Json | undefined): boolean => value !== undefined && unknownPlaceholders.has(value);

/** Whether a value is marked as a secret. */
export const isSecret = (value: Json | undefined): value is JsonObject =>
  isObject(value) && value[signatureKey] === secretSignature;

/** Marks a value as a secret, so that the engine encrypts it in its state and hides it in its output. */
export const secret = (value: Json): Json => (isSecret(value) ? value : { [signatureKey]: secretSignature, value });

/** Whether a condition holds for a value or anything inside it. */
function some(value: Json | undefined, condition: (value: Json) => boolean): boolean {
  if (value === undefined) return false;
  if (condition(value)) return true;
  if (isList(value)) return value.some((item) => some(item, condition));
  return isObject(value) && Object.values(value).some((item) => some(item, condition));
}

/** Whether a value is unknown or holds something unknown. */
export const containsUnknown = (value: Json | undefined): boolean => some(value, isUnknown);

/** Whether a value is a secret or holds one. */
export const containsSecret = (value: Json | undefined): boolean => some(value, isSecret);

/** The plain value: secrets unwrapped, resource references replaced by their id, nulls in objects dropped. */
export function plain(value: Json): Json {
  if (isSecret(value)) return plain(value.value ?? null);
  if (isObject(value)) {
    if (value[signatureKey] === resourceReferenceSignature) return plain(value.id ?? null);
    return mapObject(value, (item) => (item === null ? undefined : plain(item)));
  }
  return isList(value) ? value.map(plain) : value;
}

/** The plain form of a property bag. */
export function plainObject(value: JsonObject): JsonObject {
  const result = plain(value);
  return isObject(result) ? result : {};
}

/**
 * Marks as secret in `values` whatever was secret in `inputs`, and the data of every Kubernetes Secret whether marked or not.
 * Where both sides are objects the mark goes to the single key; a list with one secret inside becomes secret as a whole, because
 * its order may differ in the answer.
 *
 * @param values plain values, e.g. an answer of the API server
 * @param inputs the user's inputs in wire form
 */
export function markSecrets(values: JsonObject, inputs: Json | undefined): JsonObject {
  const isSecretObject = values.kind === "Secret";
  return mapObject(values, (value, key) => {
    if (isSecretObject && (key === "data" || key === "stringData")) return secret(value);
    const input = isObject(inputs) ? inputs[key] : undefined;
    if (isObject(value) && !isSecret(input)) return markSecrets(value, input);
    return containsSecret(input) ? secret(value) : value;
  });
}

/** Keys that the SDKs spell with underscores because a dash is no identifier: schema extensions in a definition of custom resources. */
const dashedKeys = [
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
] as const;

const toDashes: ReadonlyMap<string, string> = new Map(dashedKeys.map((key) => [key.replaceAll("-", "_"), key]));
const toUnderscores: ReadonlyMap<string, string> = new Map(dashedKeys.map((key) => [key, key.replaceAll("-", "_")]));

function renameKeys(value: Json, names: ReadonlyMap<string, string>): Json {
  if (isList(value)) return value.map((item) => renameKeys(item, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [names.get(key) ?? key, renameKeys(item, names)]),
  );
}

/** The plain Kubernetes object behind a property bag in wire form. */
export function toKubernetes(properties: JsonObject): JsonObject {
  const result = renameKeys(plainObject(properties), toDashes);
  return isObject(result) ? result : {};
}

/** A Kubernetes object with its keys as the SDKs spell them. */
export function fromKubernetes(object: JsonObject): JsonObject {
  const result = renameKeys(object, toUnderscores);
  return isObject(result) ? result : {};
}
