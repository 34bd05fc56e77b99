/** Overrides a JSON document by upstream's field names. Pure; the document's own values say which types fit. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { nearestWords } from "../config/nearest.ts";
import { type Overridden, ownedProblem } from "./arguments.ts";
import type { Owned } from "./owned-options.ts";

/** A JSON document, or a map inside one. */
export type Fields = Readonly<Record<string, unknown>>;

/** What upstream reads beside what a document holds, and what follows from other settings. Keys are dotted paths. */
export interface FieldRules {
  /** Fields that upstream knows but the document does not hold, with a value of the type that they take. */
  readonly known: Fields;
  readonly owned: Readonly<Record<string, Owned>>;
}

const isMap = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const kindOf = (value: unknown): string => {
  if (value === null) return "null";
  if (isList(value)) return "list";
  return isMap(value) ? "map" : typeof value;
};

/** What a value of this type may be, in words. */
const typeWords: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  list: "a list",
  map: "a map",
};

/** Why a value does not fit where `present` stands, in words of what would; `undefined` when it fits. */
function misfit(value: unknown, present: unknown): string | undefined {
  if (present === null) return isMap(value) || isList(value) ? "a text, a number, true, false or null" : undefined;
  const wanted = kindOf(present);
  if (kindOf(value) !== wanted) return typeWords[wanted] ?? wanted;
  if (typeof value === "number" && !Number.isFinite(value)) return "a finite number";
  if (!isList(value) || !isList(present) || present.length === 0) return undefined;
  const kinds = new Set(present.map(kindOf));
  const isMixed = kinds.size > 1;
  const [kind = ""] = kinds;
  return isMixed || value.every((item) => kindOf(item) === kind)
    ? undefined
    : `a list of which each is ${typeWords[kind] ?? kind}`;
}

const dotted = (path: readonly string[]): string => path.join(".");

/** Dotted paths of every field that a document or the rules know. */
function knownPaths(document: Fields, rules: FieldRules): readonly string[] {
  const walk = (map: Fields, prefix: readonly string[]): readonly string[] =>
    Object.entries(map).flatMap(([field, value]) => [
      dotted([...prefix, field]),
      ...(isMap(value) ? walk(value, [...prefix, field]) : []),
    ]);
  return [...new Set([...walk(document, []), ...Object.keys(rules.known)])];
}

interface Walk {
  readonly rules: FieldRules;
  readonly paths: readonly string[];
  readonly problems: Diagnostic[];
}

/** The fields that come nearest to an unknown one; there is always one unless nothing at all is known. */
function nearestFields(walk: Walk, path: readonly string[], names: readonly string[]): readonly string[] {
  const field = path.at(-1) ?? "";
  const elsewhere = walk.paths.filter((known) => known === field || known.endsWith(`.${field}`));
  const near = [...elsewhere, ...nearestWords(field, names)];
  const far = near.length > 0 ? near : nearestWords(dotted(path), walk.paths);
  return (far.length > 0 ? far : [...names, ...walk.paths]).slice(0, far.length > 0 ? 3 : 1);
}

function unknownField(walk: Walk, path: readonly string[]): Diagnostic {
  const prefix = dotted(path.slice(0, -1));
  const isBeside = (known: string): boolean => known.slice(0, Math.max(0, known.lastIndexOf("."))) === prefix;
  const names = walk.paths.filter(isBeside).map((known) => known.slice(known.lastIndexOf(".") + 1));
  return {
    severity: "error",
    rule: "field-known",
    path,
    what: "this version of MindSpeed-MM does not read such a field here",
    got: path.at(-1) ?? "",
    allowed: names.join(", ") || "no field",
    nearest: nearestFields(walk, path, names),
  };
}

/** The value under a key of its own, not one that every object inherits. */
const own = <Value>(map: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;

/** The value that a field gets, or `undefined` when its override is refused. */
function overriddenField(walk: Walk, document: Fields, path: readonly string[], value: unknown): unknown {
  const field = path.at(-1) ?? "";
  const name = dotted(path);
  const owned = own(walk.rules.owned, name);
  if (owned !== undefined) return refuse(walk, ownedProblem(path, name, owned));
  const given = own(document, field);
  const present = given === undefined ? own(walk.rules.known, name) : given;
  if (present === undefined) return refuse(walk, unknownField(walk, path));
  const allowed = misfit(value, present);
  if (allowed === undefined) {
    if (!isMap(value) || !isMap(present)) return value;
    return merge(walk, given === undefined ? {} : present, value, path);
  }
  return refuse(walk, {
    severity: "error",
    rule: "field-type",
    path,
    what: "the field does not take this value",
    got: JSON.stringify(value) ?? kindOf(value),
    allowed,
    ...(given === undefined ? {} : { remedy: `its value without the override is ${JSON.stringify(given)}` }),
  });
}

function refuse(walk: Walk, problem: Diagnostic): undefined {
  walk.problems.push(problem);
}

function merge(walk: Walk, document: Fields, overrides: Fields, prefix: readonly string[]): Fields {
  const made = new Map<string, unknown>(Object.entries(document));
  for (const [field, value] of Object.entries(overrides)) {
    const result = overriddenField(walk, document, [...prefix, field], value);
    if (result !== undefined) made.set(field, result);
  }
  return Object.fromEntries(made);
}

/**
 * A JSON document with overrides applied: maps merge, everything else, lists included, is replaced.
 *
 * Problems carry paths relative to the map of overrides; with a problem the document comes back unchanged.
 */
export function overrideFields(document: Fields, overrides: Fields, rules: FieldRules): Overridden<Fields> {
  const walk: Walk = { rules, paths: knownPaths(document, rules), problems: [] };
  const value = merge(walk, document, overrides, []);
  return { value: walk.problems.length > 0 ? document : value, problems: walk.problems };
}
