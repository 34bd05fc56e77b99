/** YAML files with the position of every value: reading, `extends`, secrets. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import type { Diagnostic, LocatedDiagnostic, Location } from "./diagnostics.ts";
import { nearestWords } from "./nearest.ts";
import { SecretReference } from "./secret-reference.ts";

/** A value with where it stands; maps and lists hold such values again. */
export interface Sourced {
  readonly location: Location;
  readonly value:
    | string
    | number
    | boolean
    | null
    | SecretReference
    | readonly Sourced[]
    | ReadonlyMap<string, SourcedEntry>;
}

/** An entry of a map: the position of its key, and its value. */
export interface SourcedEntry {
  readonly keyLocation: Location;
  readonly entry: Sourced;
}

/** Collects findings that have a position already. */
export type Report = (
  found: Omit<Diagnostic, "severity" | "path"> & Location & { readonly path?: Diagnostic["path"] },
) => void;

const isSourcedMap = (value: Sourced["value"]): value is ReadonlyMap<string, SourcedEntry> => value instanceof Map;

/** The map of a value, or undefined. */
export const mapOf = (sourced: Sourced | undefined): ReadonlyMap<string, SourcedEntry> | undefined =>
  sourced !== undefined && isSourcedMap(sourced.value) ? sourced.value : undefined;

/** The plain data of a value. */
export function plain(sourced: Sourced): unknown {
  const { value } = sourced;
  if (isSourcedMap(value)) return Object.fromEntries([...value].map(([key, { entry }]) => [key, plain(entry)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

/** `{ secure: <ciphertext> }`, as Pulumi writes it. */
function asSecret(entries: ReadonlyMap<string, SourcedEntry>): SecretReference | undefined {
  const secure = entries.get("secure")?.entry.value;
  return entries.size === 1 && typeof secure === "string" ? new SecretReference() : undefined;
}

/** Deeper nesting than any stack file has; stops runaway input before the call stack does. */
const deepest = 60;

function convert(node: Node | null, at: (node: Node | null) => Location, report: Report, depth = 0): Sourced {
  const location = at(node);
  if (depth > deepest) {
    report({ ...location, what: `nested deeper than ${deepest} levels` });
    return { location, value: null };
  }
  if (isMap(node)) {
    const entries = new Map<string, SourcedEntry>();
    for (const { key, value } of node.items) {
      const keyNode = key as Node | null;
      const name = isScalar(keyNode) ? String(keyNode.value) : undefined;
      if (name === undefined) report({ ...at(keyNode), what: "a key must be a plain word" });
      else entries.set(name, { keyLocation: at(keyNode), entry: convert(value as Node | null, at, report, depth + 1) });
    }
    return { location, value: asSecret(entries) ?? entries };
  }
  if (isSeq(node))
    return { location, value: node.items.map((item) => convert(item as Node | null, at, report, depth + 1)) };
  const scalar: unknown = isScalar(node) ? node.value : null;
  if (scalar === null || ["string", "number", "boolean"].includes(typeof scalar)) {
    return { location, value: scalar as string | number | boolean | null };
  }
  report({ ...location, what: "a value must be text, a number, true, false, a list or a map", got: typeof scalar });
  return { location, value: null };
}

/** Reads a YAML file. Undefined when it is not there or not YAML; every reason is reported. */
export function readYaml(projectFolder: string, path: string, report: Report): Sourced | undefined {
  const file = relative(projectFolder, path);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    report({ file, what: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const locate = (offset: number): Location => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const error of document.errors) report({ ...locate(error.pos[0]), what: `not valid YAML: ${error.message}` });
  if (document.errors.length > 0) return undefined;
  const at = (node: Node | null): Location => locate(node?.range?.[0] ?? 0);
  let hasAlias = false;
  visit(document, {
    Alias: (_, node) => {
      if (!isAlias(node)) return;
      hasAlias = true;
      report({
        ...at(node),
        what: "aliases (*name) are not supported in stack files",
        remedy: "write the value out, or move it to a base and use extends",
      });
    },
  });
  return hasAlias ? undefined : convert(document.contents, at, report);
}

/** `over` laid on `under`: maps merge, everything else replaces, `null` removes an inherited key. */
export function merge(under: Sourced, over: Sourced): Sourced {
  const below = mapOf(under);
  const above = mapOf(over);
  if (below === undefined || above === undefined) return over;
  const merged = new Map(below);
  for (const [key, own] of above) {
    const inherited = below.get(key);
    if (own.entry.value === null && inherited !== undefined) merged.delete(key);
    else
      merged.set(
        key,
        inherited === undefined ? own : { keyLocation: own.keyLocation, entry: merge(inherited.entry, own.entry) },
      );
  }
  return { location: over.location, value: merged };
}

function basesOf(
  extending: SourcedEntry | undefined,
  report: Report,
): readonly { readonly name: string; readonly location: Location }[] {
  if (extending === undefined) return [];
  const { entry } = extending;
  const items = Array.isArray(entry.value) ? (entry.value as readonly Sourced[]) : [entry];
  return items.flatMap(({ value, location }) => {
    if (typeof value === "string") return [{ name: value, location }];
    report({
      ...location,
      path: ["extends"],
      what: "extends takes the name of a file in stacks/bases, or a list of names",
      got: value === null ? "nothing" : typeof value,
    });
    return [];
  });
}

/** Names of YAML files of a folder by a pattern, sorted. */
export function fileNames(folder: string, pattern: RegExp): readonly string[] {
  try {
    return readdirSync(folder)
      .flatMap((file) => pattern.exec(file)?.[1] ?? [])
      .sort();
  } catch {
    return [];
  }
}

/** Resolves `extends`: bases first, in the order of the list, then the file itself. */
export function resolveExtends(
  projectFolder: string,
  own: Sourced,
  report: Report,
  chain: readonly string[] = [],
): Sourced {
  const entries = mapOf(own);
  if (entries === undefined) return own;
  const folder = join(projectFolder, "stacks", "bases");
  let result: Sourced | undefined;
  for (const { name, location } of basesOf(entries.get("extends"), report)) {
    const known = fileNames(folder, /^(.+)\.yaml$/);
    if (chain.includes(name)) {
      report({ ...location, path: ["extends"], what: `the base extends itself: ${[...chain, name].join(" → ")}` });
    } else if (!known.includes(name)) {
      report({
        ...location,
        path: ["extends"],
        what: "no such base in stacks/bases",
        got: name,
        allowed: known.join(", "),
        nearest: nearestWords(name, known),
      });
    } else {
      const read = readYaml(projectFolder, join(folder, `${name}.yaml`), report);
      const base = read === undefined ? undefined : resolveExtends(projectFolder, read, report, [...chain, name]);
      if (base !== undefined) result = result === undefined ? base : merge(result, base);
    }
  }
  const rest: Sourced = { location: own.location, value: new Map([...entries].filter(([key]) => key !== "extends")) };
  return result === undefined ? rest : merge(result, rest);
}

/** Where a path stands: the value itself, or the nearest enclosing map or list that the file has. */
export function locationOf(root: Sourced, path: readonly (string | number)[]): Location {
  let current = root;
  let location = root.location;
  for (const key of path) {
    const map = mapOf(current);
    const found = map?.get(String(key));
    const item =
      Array.isArray(current.value) && typeof key === "number" ? (current.value as readonly Sourced[])[key] : undefined;
    if (found !== undefined) {
      location = found.keyLocation;
      current = found.entry;
    } else if (item !== undefined) {
      location = item.location;
      current = item;
    } else return location;
  }
  return mapOf(current) === undefined && !Array.isArray(current.value) ? current.location : location;
}

/** Findings that were reported with a position become located diagnostics. */
export const reportedError = (found: Parameters<Report>[0]): LocatedDiagnostic => ({
  severity: "error",
  path: [],
  ...found,
});
