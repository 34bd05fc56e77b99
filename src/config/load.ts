/** Reads a stack file, or what the engine made of it, into an environment; reports every mistake at once. */
import { join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ConfigurationError, type Diagnostic, type LocatedDiagnostic } from "./diagnostics.ts";
import { knownKeys } from "./json-schema.ts";
import { nearestWords } from "./nearest.ts";
import type { Environment, EnvironmentShape } from "./schema.ts";
import { SecretReference } from "./secret-reference.ts";
import { surfaceProblems } from "./surface-rules.ts";
import {
  fileNames,
  locationOf,
  mapOf,
  plain,
  readYaml,
  reportedError,
  resolveExtends,
  type Sourced,
} from "./yaml-source.ts";
import { diagnosticsOf } from "./zod-findings.ts";

/** The key of a stack file under which everything of this project stands. */
export const environmentKey = "ascend-stacks:environment";

/** A stack that could be read; later findings get their position from `attach`. */
export interface LoadedStack {
  readonly environment: Environment;
  readonly warnings: readonly LocatedDiagnostic[];
  /** Gives findings of other rooms their position in the file. */
  readonly attach: (found: readonly Diagnostic[]) => readonly LocatedDiagnostic[];
}

/** Which stack to read, and the schema that it must meet. */
export interface StackSource {
  readonly projectFolder: string;
  readonly stack: string;
  readonly shape: EnvironmentShape;
}

/** Top-level keys of a stack file that belong to the engine. */
const engineKeys = ["config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment"];

type Attach = LoadedStack["attach"];

/** Plain data against the schema and the rules across sections. */
function validate(
  { stack, shape }: StackSource,
  data: unknown,
  attach: Attach,
  reported: readonly LocatedDiagnostic[],
): LoadedStack {
  const parsed = shape.safeParse(data, { reportInput: false });
  const found = parsed.success
    ? surfaceProblems(parsed.data)
    : parsed.error.issues.flatMap((issue) => diagnosticsOf(issue, data, (path) => knownKeys(shape, path, data)));
  const located = [...reported, ...attach(found)];
  if (!parsed.success || located.some(({ severity }) => severity === "error"))
    throw new ConfigurationError(stack, located);
  return { environment: parsed.data, warnings: located, attach };
}

function missingStack(projectFolder: string, stack: string, file: string): ConfigurationError {
  const known = fileNames(join(projectFolder, "stacks"), /^Pulumi\.(.+)\.yaml$/);
  return new ConfigurationError(stack, [
    {
      severity: "error",
      path: [],
      file,
      what: "there is no such stack file",
      got: stack,
      allowed: known.join(", ") || "no stack file exists yet",
      nearest: nearestWords(stack, known),
    },
  ]);
}

/** The part of a stack file that is ours, and findings about the rest. */
function ownPart(
  root: Sourced | undefined,
  file: string,
): { readonly own: Sourced | undefined; readonly found: readonly LocatedDiagnostic[] } {
  const error = (found: Omit<LocatedDiagnostic, "severity" | "path">): LocatedDiagnostic => ({
    severity: "error",
    path: [],
    ...found,
  });
  const top = mapOf(root);
  if (top === undefined)
    return {
      own: undefined,
      found: root === undefined ? [] : [error({ ...root.location, what: "a stack file is a map with the key config" })],
    };
  const found = [...top]
    .filter(([key]) => !engineKeys.includes(key))
    .map(([key, { keyLocation }]) =>
      error({
        ...keyLocation,
        what: `unknown key ${key}`,
        allowed: engineKeys.join(", "),
        nearest: nearestWords(key, engineKeys),
      }),
    );
  const config = mapOf(top.get("config")?.entry);
  const strange = [...(config ?? [])]
    .filter(([key]) => key.startsWith("ascend-stacks:") && key !== environmentKey)
    .map(([key, { keyLocation }]) =>
      error({ ...keyLocation, what: `unknown key ${key}`, allowed: environmentKey, nearest: [environmentKey] }),
    );
  const own = config?.get(environmentKey)?.entry;
  const missing =
    own === undefined ? [error({ file, line: 1, column: 1, what: `config holds no ${environmentKey}` })] : [];
  return { own, found: [...found, ...strange, ...missing] };
}

/** A stack name becomes part of a file name, so it must not lead elsewhere. */
const isStackName = (stack: string): boolean => /^[A-Za-z0-9_.-]{1,100}$/.test(stack);

/**
 * Reads `stacks/Pulumi.<stack>.yaml` with everything it extends.
 *
 * @throws ConfigurationError with every mistake found
 */
export function loadStack(source: StackSource): LoadedStack {
  const { projectFolder, stack } = source;
  const path = join(projectFolder, "stacks", `Pulumi.${stack}.yaml`);
  const file = relative(projectFolder, path);
  if (!isStackName(stack) || !fileNames(join(projectFolder, "stacks"), /^Pulumi\.(.+)\.yaml$/).includes(stack)) {
    throw missingStack(projectFolder, stack, isStackName(stack) ? file : "stacks");
  }
  const reported: LocatedDiagnostic[] = [];
  const report = (found: Parameters<typeof reportedError>[0]): void => void reported.push(reportedError(found));
  const root = readYaml(projectFolder, path, report);
  const { own, found } = ownPart(root, file);
  reported.push(...found);
  if (own === undefined) throw new ConfigurationError(stack, reported);
  const resolved = resolveExtends(projectFolder, own, report);
  const attach: Attach = (others) => others.map((other) => ({ ...other, ...locationOf(resolved, other.path) }));
  return validate(source, plain(resolved), attach, reported);
}

/** Engine values hold secrets in clear: puts a reference in place of the one at a path. */
function withoutSecret(value: unknown, path: readonly string[]): unknown {
  if (value === null || typeof value !== "object") return value;
  const [key = "", ...rest] = path;
  if (!Object.hasOwn(value, key)) return value;
  const hide = (inner: unknown): unknown => {
    if (rest.length > 0) return withoutSecret(inner, rest);
    return typeof inner === "string" ? new SecretReference() : inner;
  };
  if (Array.isArray(value)) return value.map((inner: unknown, index) => (String(index) === key ? hide(inner) : inner));
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [key]: hide(record[key]) };
}

const isTextAt = (value: unknown, path: readonly string[]): boolean => {
  const found = path.reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | null)?.[key], value);
  return typeof found === "string";
};

/** Paths of all encrypted values of a stack file, also of those that stand where they cannot. */
function encryptedPaths(sourced: Sourced, path: readonly string[] = []): readonly (readonly string[])[] {
  const { value } = sourced;
  if (value instanceof SecretReference) return [path];
  if (Array.isArray(value)) {
    return value.flatMap((item: Sourced, index) => encryptedPaths(item, [...path, String(index)]));
  }
  return [...(mapOf(sourced) ?? [])].flatMap(([key, { entry }]) => encryptedPaths(entry, [...path, key]));
}

/** Paths of the surface that hold secrets. */
export const secretPaths: readonly (readonly string[])[] = [["image", "registryCredentials", "password"]];

/** Plain data as a sourced value without positions, so that `extends` is resolved the same way. */
function sourcedFrom(value: unknown, file: string, depth = 0): Sourced {
  const location = { file };
  if (value instanceof SecretReference || value === null || typeof value !== "object" || depth > 60) {
    return { location, value: (value ?? null) as Sourced["value"] };
  }
  if (Array.isArray(value))
    return { location, value: value.map((item: unknown) => sourcedFrom(item, file, depth + 1)) };
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, { keyLocation: location, entry: sourcedFrom(inner, file, depth + 1) }] as const,
  );
  return { location, value: new Map(entries) };
}

/** The stack file's own part, if there is such a file. */
function ownFile(projectFolder: string, stack: string): Sourced | undefined {
  if (!fileNames(join(projectFolder, "stacks"), /^Pulumi\.(.+)\.yaml$/).includes(stack)) return undefined;
  const file = join("stacks", `Pulumi.${stack}.yaml`);
  return ownPart(
    readYaml(projectFolder, join(projectFolder, file), () => undefined),
    file,
  ).own;
}

/** The engine only says that some value is encrypted. If none stands where secrets may, one stands where it would be written out. */
function misplacedSecret(stack: string, file: string): ConfigurationError {
  return new ConfigurationError(stack, [
    {
      severity: "error",
      path: [],
      file,
      rule: "secrets-in-their-place",
      what: "the configuration holds an encrypted value where none can stand; it would reach manifests in clear",
      allowed: secretPaths.map((path) => path.join(".")).join(", "),
      remedy: "put it into a Secret of the cluster, and name that in secretVariables of the run",
    },
  ]);
}

/**
 * Reads what the engine passes for `ascend-stacks:environment`: its values count, whatever file they came from. Positions are those
 * of the stack file where that says the same. `holdsSecrets` says that the engine has decrypted some value of it.
 *
 * @throws ConfigurationError with every mistake found
 */
export function loadFromEngine(
  source: StackSource & { readonly engineValue: unknown; readonly holdsSecrets?: boolean },
): LoadedStack {
  const { projectFolder, stack, engineValue } = source;
  const label = `(configuration of stack ${stack})`;
  if (engineValue === undefined || engineValue === null) {
    throw new ConfigurationError(stack, [
      {
        severity: "error",
        path: [],
        file: label,
        what: `the engine holds no ${environmentKey}`,
        remedy: `write stacks/Pulumi.${stack}.yaml`,
      },
    ]);
  }
  const file = ownFile(projectFolder, stack);
  const paths = [...secretPaths, ...(file === undefined ? [] : encryptedPaths(file))];
  if (source.holdsSecrets === true && !paths.some((path) => isTextAt(engineValue, path))) {
    throw misplacedSecret(stack, label);
  }
  const hidden = paths.reduce<unknown>((value, path) => withoutSecret(value, path), engineValue);
  const engine = sourcedFrom(hidden, label);
  const reported: LocatedDiagnostic[] = [];
  const own = file !== undefined && isDeepStrictEqual(plain(file), plain(engine)) ? file : engine;
  const resolved = resolveExtends(projectFolder, own, (found) => void reported.push(reportedError(found)));
  const attach: Attach = (others) => others.map((other) => ({ ...other, ...locationOf(resolved, other.path) }));
  return validate(source, plain(resolved), attach, reported);
}
