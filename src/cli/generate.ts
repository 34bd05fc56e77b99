/** `node src/cli/generate.ts [--check]`: everything that is generated from the schemas. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { environmentJsonSchema, type JsonSchema } from "../config/json-schema.ts";
import { referencePage } from "../config/reference-page.ts";
import { overridesPage } from "../overrides/reference-page.ts";
import { environmentShape } from "../recipes/catalogue.ts";
import { variablesPage } from "../variables/reference-page.ts";
import { planDocumentSchema } from "./plan-document.ts";
import { strategiesPage } from "./strategies-page.ts";
import { upstreamPage } from "./upstream-page.ts";

const extendsSchema = {
  description: "Names of files in stacks/bases, without .yaml; this file wins over them",
  anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
};

/** Nothing is required in a file that extends another: the missing part may be inherited. `null` removes what is inherited. */
function partial(schema: JsonSchema): JsonSchema {
  const { required: _, oneOf, ...rest } = schema;
  const inner = (value: JsonSchema): JsonSchema => partial(value);
  return {
    ...rest,
    ...(rest.properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(rest.properties).map(([key, value]) => [key, inner(value)])) }),
    ...(typeof rest.additionalProperties === "object"
      ? { additionalProperties: inner(rest.additionalProperties) }
      : {}),
    // Without required fields several branches of a union fit, as long as the one that tells them apart is inherited.
    ...(oneOf === undefined ? {} : { anyOf: oneOf.map(inner) }),
  };
}

/** Schema of a stack file for editors; `#/$defs/base` is that of a base. */
export function stackFileSchema(): JsonSchema {
  const { $schema, ...environment } = environmentJsonSchema(environmentShape);
  const base = partial({ ...environment, properties: { extends: extendsSchema, ...environment.properties } });
  return {
    $schema,
    $defs: { base },
    type: "object",
    required: ["config"],
    additionalProperties: false,
    properties: {
      config: {
        type: "object",
        required: ["ascend-stacks:environment"],
        properties: { "ascend-stacks:environment": { $ref: "#/$defs/base" } },
      },
      encryptionsalt: { type: "string" },
      secretsprovider: { type: "string" },
      encryptedkey: { type: "string" },
      environment: {},
    },
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Content of every generated file by its path in the project. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const environment = environmentJsonSchema(environmentShape);
  return {
    "stacks/schema.json": json(stackFileSchema()),
    "docs/reference/plan.schema.json": json(z.toJSONSchema(planDocumentSchema)),
    "docs/reference/configuration.md": referencePage(environment, "english"),
    "docs/reference/configuration.zh.md": referencePage(environment, "chinese"),
    "docs/reference/parallel-strategies.md": strategiesPage("english"),
    "docs/reference/parallel-strategies.zh.md": strategiesPage("chinese"),
    "docs/reference/environment-variables.md": variablesPage("english"),
    "docs/reference/environment-variables.zh.md": variablesPage("chinese"),
    "docs/reference/overrides.md": overridesPage("english"),
    "docs/reference/overrides.zh.md": overridesPage("chinese"),
    "docs/reference/upstream-differences.md": upstreamPage("english"),
    "docs/reference/upstream-differences.zh.md": upstreamPage("chinese"),
  };
}

function main(words: readonly string[], projectFolder: string): number {
  const stale = Object.entries(generatedFiles()).filter(([path, content]) => {
    const file = join(projectFolder, path);
    return !existsSync(file) || readFileSync(file, "utf8") !== content;
  });
  if (words.includes("--check")) {
    for (const [path] of stale) process.stderr.write(`${path} is stale; run: npm run generate\n`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const [path, content] of stale) {
    mkdirSync(dirname(join(projectFolder, path)), { recursive: true });
    writeFileSync(join(projectFolder, path), content);
    process.stdout.write(`${path}\n`);
  }
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2), join(import.meta.dirname, "..", ".."));
