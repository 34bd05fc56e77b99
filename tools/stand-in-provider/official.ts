/** The official provider that this one stands in for. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { officialProviderAdvice } from "./guard.ts";
import { type Json, textAt } from "./json.ts";

/** Version of `@pulumi/kubernetes` in use, e.g. `4.34.2`: the engine asks for the provider of exactly this version. */
export function officialVersion(): string {
  const file = createRequire(import.meta.url).resolve("@pulumi/kubernetes/package.json");
  // A package.json holds JSON by definition.
  const version = textAt(JSON.parse(readFileSync(file, "utf8")) as Json, "version");
  if (version === undefined) throw new Error(`${file} names no version`);
  return version;
}

/** One line that says what this plugin is. */
export const standInDescription =
  "Stand-in for pulumi-resource-kubernetes: works on the virtual cluster of ascend-stacks only.";

/** The message for something that only the official provider can do. */
export const refusalFor =
  (version: string) =>
  (what: string): string =>
    `The stand-in for the Kubernetes provider does not support ${what}.\n${officialProviderAdvice(version)}`;
