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

/** Branches that a schema may take at one place. */
const branches = (schema: JsonSchema): readonly JsonSchema[] => [
  schema,
  ...(schema.anyOf ?? []),
  ...(schema.oneOf ?? []),
];

function below(schema: JsonSchema, key: string | number): readonly JsonSchema[] {
  return branches(schema).flatMap((branch) => {
    if (typeof key === "number") return branch.items === undefined ? [] : [branch.items];
    const known = branch.properties?.[key];
    if (known !== undefined) return [known];
    return typeof branch.additionalProperties === "object" ? [branch.additionalProperties] : [];
  });
}

/** Keys that the surface knows at a path. */
export function knownKeys(shape: EnvironmentShape, path: readonly (string | number)[]): readonly string[] {
  let schemas: readonly JsonSchema[] = [environmentJsonSchema(shape)];
  for (const key of path) schemas = schemas.flatMap((schema) => below(schema, key));
  return [...new Set(schemas.flatMap(branches).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}
