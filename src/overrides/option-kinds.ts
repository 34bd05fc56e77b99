/** What kinds of values command line options take, and how a value of the stack file becomes words of the command. */

/**
 * The kind of an option's value. A list of words or numbers admits exactly these. `boolean` is a trap of upstream: the option takes a
 * word, and every word, `False` included, means true.
 */
export type OptionKind =
  | "flag"
  | "boolean"
  | "integer"
  | "number"
  | "text"
  | "integers"
  | "numbers"
  | "texts"
  | readonly (string | number)[];

/** Options of one upstream project by name, without the leading dashes, spelt as upstream spells them. */
export type OptionTable = Readonly<Record<string, OptionKind>>;

/** What a stack file may give an option: `null` and `false` take it out of the command. */
export type OptionValue = string | number | boolean | null | readonly (string | number)[];

/** The words after an option's name; an empty list for a flag, `undefined` when the option is taken out. */
export type OptionWords =
  | { readonly isFitting: true; readonly words: readonly string[] | undefined }
  | { readonly isFitting: false; readonly allowed: string };

const fitting = (words: readonly string[] | undefined): OptionWords => ({ isFitting: true, words });
const mismatch = (allowed: string): OptionWords => ({ isFitting: false, allowed });

/** Whole numbers that both sides hold exactly. */
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
/** A word that the command line takes as a value: upstream's parser would read a leading dash as the next option. */
const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && !value.startsWith("-") && !/\p{Cc}/u.test(value);

const single: Readonly<
  Record<"integer" | "number" | "text", { readonly is: (value: unknown) => boolean; readonly allowed: string }>
> = {
  integer: { is: isInteger, allowed: "a whole number, without quotes" },
  number: { is: isNumber, allowed: "a number, without quotes" },
  text: { is: isText, allowed: "a text that does not start with a dash; numbers in quotes" },
};
const listed = {
  integers: { of: "integer", allowed: "a list of whole numbers" },
  numbers: { of: "number", allowed: "a list of numbers" },
  texts: { of: "text", allowed: "a list of texts that do not start with a dash" },
} as const;

/** The words that a value of the stack file means for an option of this kind. */
export function optionWords(kind: OptionKind, value: OptionValue): OptionWords {
  if (value === null || value === false) return fitting(undefined);
  if (typeof kind !== "string") {
    const isKnown = kind.some((choice) => choice === value);
    return isKnown ? fitting([String(value)]) : mismatch(`one of ${kind.join(", ")}`);
  }
  switch (kind) {
    case "flag":
      return value === true ? fitting([]) : mismatch("true, or false to leave the flag out");
    case "boolean":
      return value === true ? fitting(["True"]) : mismatch("true, or false to leave the option out");
    case "integers":
    case "numbers":
    case "texts": {
      const { of, allowed } = listed[kind];
      const isList = Array.isArray(value) && value.length > 0 && value.every(single[of].is);
      return isList ? fitting(value.map(String)) : mismatch(allowed);
    }
    default:
      return single[kind].is(value) ? fitting([String(value)]) : mismatch(single[kind].allowed);
  }
}

/** Words of a kind, for messages and pages. */
export function kindText(kind: OptionKind): string {
  return typeof kind === "string" ? kind : kind.join(" | ");
}
