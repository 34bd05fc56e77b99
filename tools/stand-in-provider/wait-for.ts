/** Conditions from the `pulumi.com/waitFor` annotation, in the forms that `kubectl wait` knows. */
import { ProviderError } from "./errors.ts";
import { isList, isObject, type Json, type JsonObject, listAt, textAt } from "./json.ts";
import { parsePath, select } from "./json-path.ts";

/** A condition on one object. */
export interface WaitCondition {
  /** The condition as the user wrote it. */
  readonly text: string;
  /** Whether the object meets it. */
  readonly isMet: (object: JsonObject) => boolean;
}

const forms =
  "Allowed: jsonpath={.path}, jsonpath={.path}=value, condition=Type, condition=Type=Status, or a JSON list of these.";

function parseJsonPath(text: string): WaitCondition {
  const parts = /^\{(.*)\}(?:=(.+))?$/.exec(text);
  if (parts === null) throw new ProviderError(`pulumi.com/waitFor: "jsonpath=${text}" is not understood. ${forms}`);
  const steps = parsePath((parts[1] ?? "").trim());
  const expected = parts[2];
  return {
    text: `jsonpath=${text}`,
    isMet: (object) => {
      const [found] = select(steps, object);
      if (found === undefined || expected === undefined) return found !== undefined;
      if (isObject(found) || isList(found))
        throw new ProviderError(
          `pulumi.com/waitFor: jsonpath=${text} leads to an object or list, which equals no text.`,
        );
      return String(found) === expected;
    },
  };
}

function parseCondition(text: string): WaitCondition {
  const [type = "", status = "True"] = text.split("=", 2);
  return {
    text: `condition=${text}`,
    isMet: (object) =>
      listAt(object, "status", "conditions").some(
        (condition) =>
          textAt(condition, "type")?.toLowerCase() === type.toLowerCase() &&
          textAt(condition, "status")?.toLowerCase() === status.toLowerCase(),
      ),
  };
}

function parseOne(text: string): WaitCondition {
  if (text.startsWith("jsonpath=")) return parseJsonPath(text.slice("jsonpath=".length));
  if (text.startsWith("condition=")) return parseCondition(text.slice("condition=".length));
  throw new ProviderError(`pulumi.com/waitFor: "${text}" is not understood. ${forms}`);
}

/** A JSON list of texts is a list; anything else is one expression. */
function expressionsOf(annotation: string): readonly string[] {
  try {
    const value: Json = JSON.parse(annotation);
    return isList(value) ? value.filter((item) => typeof item === "string") : [annotation];
  } catch {
    return [annotation];
  }
}

/**
 * Reads the annotation. All of several conditions have to be met.
 *
 * @throws ProviderError when it is not understood
 */
export function parseWaitFor(annotation: string): readonly WaitCondition[] {
  const expressions = expressionsOf(annotation);
  if (expressions.length === 0) throw new ProviderError(`pulumi.com/waitFor names no condition. ${forms}`);
  return expressions.map(parseOne);
}
