/**
 * The part of kubectl's JSONPath that conditions are written with: keys, quoted keys, indexes, `*`, and filters on one value.
 * Examples: `.status.startTime`, `.metadata.annotations['a/b']`, `.status.conditions[?(@.type=="Complete")].status`.
 */
import { ProviderError } from "./errors.ts";
import { isList, isObject, type Json } from "./json.ts";

/** One step from a value to values inside it. */
export type Step = (value: Json) => readonly Json[];

const keyStep =
  (key: string): Step =>
  (value) => {
    const found = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return found === undefined ? [] : [found];
  };

const indexStep =
  (index: number): Step =>
  (value) => {
    const found = isList(value) ? value.at(index) : undefined;
    return found === undefined ? [] : [found];
  };

const everyStep: Step = (value) => (isList(value) ? value : isObject(value) ? Object.values(value) : []);

/** A literal of a filter: quoted text, number or boolean. */
function literal(text: string): Json {
  const quoted = /^'(.*)'$|^"(.*)"$/.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? "";
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  if (text === "" || Number.isNaN(number))
    throw new ProviderError(`JSONPath: ${text} is neither a quoted text, a number nor a boolean.`);
  return number;
}

function filterStep(condition: string): Step {
  const parts = /^@((?:\.[\w-]+|\['[^']*'\])*)\s*(?:(==|!=)\s*(.+?))?\s*$/.exec(condition);
  if (parts === null)
    throw new ProviderError(
      `JSONPath: filter ?(${condition}) is not understood. Allowed: @.key, @.key=="value", @.key!="value".`,
    );
  const inner = parsePath(parts[1] ?? "");
  const expected = parts[3] === undefined ? undefined : literal(parts[3]);
  return (value) =>
    everyStep(value).filter((item) => {
      const [found] = select(inner, item);
      if (expected === undefined) return found !== undefined;
      return (found === expected) === (parts[2] === "==");
    });
}

const stepForms: readonly (readonly [RegExp, (match: RegExpExecArray) => Step])[] = [
  [/^\.\*|^\[\*\]/, () => everyStep],
  [/^\.((?:[^.[\]\\]|\\.)+)/, (match) => keyStep((match[1] ?? "").replaceAll(/\\(.)/g, "$1"))],
  [/^\[(-?\d+)\]/, (match) => indexStep(Number(match[1]))],
  [
    /^\['((?:[^'\\]|\\.)*)'\]|^\["((?:[^"\\]|\\.)*)"\]/,
    (match) => keyStep((match[1] ?? match[2] ?? "").replaceAll(/\\(.)/g, "$1")),
  ],
  [/^\[\?\((.*?)\)\]/, (match) => filterStep(match[1] ?? "")],
];

/**
 * Reads a path without its braces.
 *
 * @throws ProviderError naming the part that is not understood
 */
export function parsePath(text: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = text.replace(/^\$/, "");
  while (rest !== "") {
    const form = stepForms
      .map(([pattern, make]) => ({ match: pattern.exec(rest), make }))
      .find(({ match }) => match !== null);
    if (!form?.match) throw new ProviderError(`JSONPath "${text}": "${rest}" is not understood.`);
    steps.push(form.make(form.match));
    rest = rest.slice(form.match[0].length);
  }
  return steps;
}

/** All values that a path leads to. */
export const select = (steps: readonly Step[], value: Json): readonly Json[] =>
  steps.reduce<readonly Json[]>((values, step) => values.flatMap((item) => step(item)), [value]);
