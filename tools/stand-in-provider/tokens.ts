/** Pulumi's type tokens, ids and automatic names for Kubernetes objects. */
import { createHash, randomBytes } from "node:crypto";
import { ProviderError } from "./errors.ts";

/** What kind of object a resource is. */
export interface ObjectType {
  /** e.g. `v1` or `batch/v1` */
  readonly apiVersion: string;
  readonly kind: string;
}

/** The type token at the end of a resource's URN. Parents stand before it, separated by `$`. */
export function typeOfUrn(urn: string): string {
  const types = urn.split("::")[2] ?? "";
  return types.slice(types.lastIndexOf("$") + 1);
}

/** The logical name in a URN: everything after the third separator, for a name may hold `::` itself. */
export const nameOfUrn = (urn: string): string => urn.split("::").slice(3).join("::");

/**
 * Reads a token such as `kubernetes:batch/v1:Job`.
 *
 * @throws ProviderError for components, Helm releases and tokens without a version
 */
export function parseToken(token: string, refusal: (what: string) => string): ObjectType {
  const [, module = "", kind = ""] = token.split(":");
  const [group = "", version] = module.split("/");
  if (["helm.sh", "yaml", "kustomize"].includes(group)) throw new ProviderError(refusal(`resources of type ${token}`));
  if (version === undefined || kind === "") {
    throw new ProviderError(
      `Type ${token}: expected kubernetes:<group>/<version>:<Kind>, e.g. kubernetes:batch/v1:Job.`,
    );
  }
  return { apiVersion: group === "core" || group === "" ? version : `${group}/${version}`, kind };
}

/** The group of an apiVersion; empty for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

/** `namespace/name`, or `name` for objects outside namespaces. */
export const idOf = (name: string, namespace: string | undefined): string =>
  namespace ? `${namespace}/${name}` : name;

/** Reads an id back. */
export function parseId(id: string): { readonly name: string; readonly namespace: string | undefined } {
  const slash = id.indexOf("/");
  return slash < 0 ? { name: id, namespace: undefined } : { name: id.slice(slash + 1), namespace: id.slice(0, slash) };
}

/** The logical name, a dash and eight hex digits. With a saved plan the engine sends the same seed again, and the name is the planned one. */
export function automaticName(logicalName: string, randomSeed: Uint8Array): string {
  const digits =
    randomSeed.length === 0
      ? randomBytes(4).toString("hex")
      : createHash("sha256").update(randomSeed).digest("hex").slice(0, 8);
  return `${logicalName}-${digits}`;
}
