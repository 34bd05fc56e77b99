/** Words for the schemas of custom resources: small builders, so that a definition reads like the list of fields that it is. */

/** A structural schema, as the API server takes it. */
export type Schema = Readonly<Record<string, unknown>>;

/** Any text. */
export const text: Schema = { type: "string" };
/** A whole number of 32 bits. */
export const integer: Schema = { type: "integer", format: "int32" };
/** A whole number of 64 bits. */
export const long: Schema = { type: "integer", format: "int64" };
/** True or false. */
export const flag: Schema = { type: "boolean" };
/** A number or text, as quantities and ports are. */
export const integerOrText: Schema = {
  anyOf: [{ type: "integer" }, { type: "string" }],
  "x-kubernetes-int-or-string": true,
};
/** An object of which nothing is dropped. */
export const anything: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
/** One of some words. */
export const oneOf = (...values: readonly string[]): Schema => ({ type: "string", enum: values });
/** An object with these fields; the API server drops all others. */
export const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required }),
});
/** A list. */
export const list = (items: Schema): Schema => ({ type: "array", items });
/** An object whose keys are names. */
export const map = (values: Schema): Schema => ({ type: "object", additionalProperties: values });

/** What a definition of a custom resource says beside its schema. */
export interface DefinitionNames {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
}

/** A definition with one version and a status of its own. */
export const definition = (names: DefinitionNames, spec: Schema, status: Schema): Schema => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${names.plural}.${names.group}` },
  spec: {
    group: names.group,
    scope: names.scope,
    names: {
      kind: names.kind,
      listKind: `${names.kind}List`,
      plural: names.plural,
      singular: names.kind.toLowerCase(),
      shortNames: names.shortNames,
    },
    versions: [
      {
        name: names.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: object({ apiVersion: text, kind: text, metadata: { type: "object" }, spec, status }),
        },
      },
    ],
  },
});
