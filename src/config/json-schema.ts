/** The surface as JSON schema: for editors, for the reference pages, and to know which keys are allowed where. */
import { z } from "zod";
import type { EnvironmentShape } from "./schema.ts";

/** The parts of a JSON schema that this project reads. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly chinese?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly [field: string]: unknown;
}

const secretForm = {
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
} as const;

/** JSON schema of what a user writes: defaults make a field optional, a secret is `{ secure: … }`. */
export function environmentJsonSchema(shape: EnvironmentShape): JsonSchema {
  // The library's result is a plain JSON schema; its type allows booleans in places where none occur here.
  return z.toJSONSchema(shape, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      if (jsonSchema.secret === true) Object.assign(jsonSchema, secretForm);
    },
  }) as JsonSchema;
}

const member = (value: unknown, key: string | number): unknown =>
  value !== null && typeof value === "object" && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string | number, unknown>>)[key]
    : undefined;

/** Whether data names another branch by a fixed value, e.g. another recipe. */
const contradicts = (schema: JsonSchema, data: unknown): boolean =>
  Object.entries(schema.properties ?? {}).some(([key, { const: fixed }]) => {
    const given = member(data, key);
    return fixed !== undefined && given !== undefined && given !== fixed;
  });

/** Branches that a schema may take for this data; all of them when it fits none. */
function branches(schema: JsonSchema, data: unknown): readonly JsonSchema[] {
  const all = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  const fitting = all.filter((branch) => !contradicts(branch, data));
  return [schema, ...(fitting.length > 0 ? fitting : all)];
}

function below(schema: JsonSchema, key: string | number): readonly JsonSchema[] {
  if (typeof key === "number") return schema.items === undefined ? [] : [schema.items];
  const known = schema.properties?.[key];
  if (known !== undefined) return [known];
  return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
}

/**
 * Keys that the surface knows at a path.
 *
 * @param data what the user wrote: it decides between alternatives, e.g. between the runs of different recipes
 */
export function knownKeys(
  shape: EnvironmentShape,
  path: readonly (string | number)[],
  data: unknown,
): readonly string[] {
  let schemas = branches(environmentJsonSchema(shape), data);
  let value = data;
  for (const key of path) {
    value = member(value, key);
    const here = value;
    schemas = schemas.flatMap((schema) => below(schema, key)).flatMap((schema) => branches(schema, here));
  }
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))];
}
