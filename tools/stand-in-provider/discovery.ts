/** Which kinds an API server serves and under which path. */
import type { ApiClient } from "./api-client.ts";
import { hasStatus } from "./errors.ts";
import { type Json, type JsonObject, listAt, textAt, valueAt } from "./json.ts";
import { groupOf, type ObjectType } from "./tokens.ts";

/** One kind of object of an API server. */
export interface ServedKind extends ObjectType {
  /** Name in paths, e.g. `jobs`. */
  readonly plural: string;
  readonly isNamespaced: boolean;
  /** False for a kind whose definition this run has seen, but the server does not serve yet. */
  readonly isServed: boolean;
}

/** Finds kinds; remembers what it was told. */
export interface Discovery {
  /** The kind, or undefined when the server does not know it. A miss is asked again, for definitions come and go. */
  find(type: ObjectType): Promise<ServedKind | undefined>;
  /** Asks for the kinds of some apiVersions beforehand, without waiting; a failure shows when the kind is needed. */
  prepare(apiVersions: readonly string[]): void;
  /** Learns the kinds of a CustomResourceDefinition that the program is going to create. */
  learn(definition: JsonObject): void;
  /** Forgets what the server said, e.g. after a definition was created or changed. */
  forget(): void;
}

/** Whether an object defines custom resources. */
export const isDefinition = (object: JsonObject): boolean =>
  textAt(object, "kind") === "CustomResourceDefinition" &&
  groupOf(textAt(object, "apiVersion") ?? "") === "apiextensions.k8s.io";

/** Path of the list of kinds of one apiVersion. */
export const discoveryPath = (apiVersion: string): string =>
  groupOf(apiVersion) === "" ? `/api/${apiVersion}` : `/apis/${apiVersion}`;

/** Path of all objects of a kind in a namespace, or of one object. */
export function objectPath(kind: ServedKind, namespace: string | undefined, name?: string): string {
  const inNamespace = kind.isNamespaced ? `/namespaces/${encodeURIComponent(namespace ?? "default")}` : "";
  return `${discoveryPath(kind.apiVersion)}${inNamespace}/${kind.plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** The kinds in an APIResourceList; entries with a slash are sub-resources such as `jobs/status`. */
export function kindsOfList(apiVersion: string, list: Json): readonly ServedKind[] {
  return listAt(list, "resources").flatMap((item) => {
    const plural = textAt(item, "name") ?? "";
    const kind = textAt(item, "kind") ?? "";
    if (plural === "" || kind === "" || plural.includes("/")) return [];
    return [{ apiVersion, kind, plural, isNamespaced: valueAt(item, "namespaced") === true, isServed: true }];
  });
}

/** The kinds that a CustomResourceDefinition brings, one per version. */
export function kindsOfDefinition(definition: JsonObject): readonly ServedKind[] {
  const group = textAt(definition, "spec", "group");
  const kind = textAt(definition, "spec", "names", "kind");
  const plural = textAt(definition, "spec", "names", "plural");
  if (group === undefined || kind === undefined || plural === undefined) return [];
  const isNamespaced = textAt(definition, "spec", "scope") === "Namespaced";
  return listAt(definition, "spec", "versions").flatMap((version) => {
    const name = textAt(version, "name");
    return name === undefined ? [] : [{ apiVersion: `${group}/${name}`, kind, plural, isNamespaced, isServed: false }];
  });
}

const keyOf = ({ apiVersion, kind }: ObjectType): string => `${apiVersion} ${kind}`;

/** Makes a discovery for one API server. Kinds are asked per apiVersion, when first needed. */
export function discover(api: ApiClient): Discovery {
  const answers = new Map<string, Promise<readonly ServedKind[]>>();
  const planned = new Map<string, ServedKind>();

  async function ask(apiVersion: string): Promise<readonly ServedKind[]> {
    try {
      return kindsOfList(apiVersion, await api({ method: "GET", path: discoveryPath(apiVersion) }));
    } catch (error) {
      answers.delete(apiVersion);
      if (hasStatus(error, 404)) return [];
      throw error;
    }
  }

  function remembered(apiVersion: string): Promise<readonly ServedKind[]> {
    const known = answers.get(apiVersion) ?? ask(apiVersion);
    answers.set(apiVersion, known);
    return known;
  }

  return {
    async find(type) {
      const isWanted = (candidate: ServedKind): boolean => candidate.kind === type.kind;
      const found = (await remembered(type.apiVersion)).find(isWanted);
      if (found !== undefined) return found;
      answers.delete(type.apiVersion);
      return (await remembered(type.apiVersion)).find(isWanted) ?? planned.get(keyOf(type));
    },
    prepare(apiVersions) {
      for (const apiVersion of apiVersions) void remembered(apiVersion).catch(() => undefined);
    },
    learn(definition) {
      for (const kind of kindsOfDefinition(definition)) planned.set(keyOf(kind), kind);
    },
    forget() {
      answers.clear();
    },
  };
}
