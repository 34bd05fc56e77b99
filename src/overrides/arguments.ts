/** Overrides a program's arguments by upstream's names. Pure: nothing is read, and what is not overridden keeps its place and spelling. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { nearestOptions, normalisedName, optionOf } from "./catalogue.ts";
import { type OptionValue, optionWords } from "./option-kinds.ts";
import { type Owned, ownedOptions } from "./owned-options.ts";

/** What an override made. Paths of problems are relative to the map of overrides; with a problem the value is not to be used. */
export interface Overridden<Value> {
  readonly value: Value;
  readonly problems: readonly Diagnostic[];
}

/** Overrides of options by name, with or without leading dashes. */
export type ArgumentOverrides = Readonly<Record<string, OptionValue>>;

/** One option of a command with its words; words before the first option have no name. */
interface Part {
  readonly name: string | undefined;
  readonly words: readonly string[];
}

const isOption = (word: string): boolean => /^--[A-Za-z]/.test(word);

function partsOf(words: readonly string[]): readonly Part[] {
  const starts = words.flatMap((word, index) => (isOption(word) ? [index] : []));
  const bounds = [...new Set([0, ...starts]), words.length];
  return bounds.slice(0, -1).map((start, index) => {
    const part = words.slice(start, bounds[index + 1]);
    const [first] = part;
    return first !== undefined && isOption(first)
      ? { name: normalisedName(first), words: part }
      : { name: undefined, words: part };
  });
}

/** Whether two words say the same to upstream's parser: `1e-5` and `0.00001` do. */
const isSameWord = (left: string | undefined, right: string): boolean =>
  left === right ||
  (left !== undefined && left.trim() !== "" && !Number.isNaN(Number(left)) && Number(left) === Number(right));

function withOption(parts: readonly Part[], name: string, spelling: string, words: readonly string[]): readonly Part[] {
  const place = parts.findIndex((part) => part.name === name);
  const made: Part = { name, words: [spelling, ...words] };
  if (place === -1) return [...parts, made];
  const [, ...present] = parts[place]?.words ?? [];
  const isSame = present.length === words.length && words.every((word, index) => isSameWord(present[index], word));
  return parts.flatMap((part, index) => {
    if (part.name !== name) return [part];
    if (index !== place) return [];
    return [isSame ? part : made];
  });
}

const shown = (value: OptionValue): string => JSON.stringify(value) ?? String(value);

function unknownOption(key: string): Diagnostic {
  return {
    severity: "error",
    rule: "argument-known",
    path: [key],
    what: "no program of this MindSpeed-MM version knows this option",
    got: key,
    allowed: "an option of Megatron-LM core_v0.12.1, MindSpeed 5176c6f5 or MindSpeed-MM v26.0.0",
    nearest: nearestOptions(key),
  };
}

/** The finding about an option or field that follows from something else. */
export function ownedProblem(path: readonly (string | number)[], name: string, owned: Owned): Diagnostic {
  return {
    severity: "error",
    rule: "override-owned",
    path,
    what: `${name} cannot be overridden: ${owned.reason}`,
    ...(owned.setting === undefined
      ? { remedy: "remove the override" }
      : { nearest: [owned.setting], remedy: `set ${owned.setting} instead` }),
  };
}

const twice = (key: string, name: string): Diagnostic => ({
  severity: "error",
  rule: "argument-once",
  path: [key],
  what: `--${name} is overridden twice, in different spellings`,
  got: key,
  allowed: "one spelling",
  nearest: [name],
});

/**
 * A program's words with overrides applied: a given option is replaced where it stands, or added at the end; `null` and `false` take it
 * out. Everything else keeps its order.
 *
 * @param words the program and its arguments, or the arguments alone
 */
export function overrideArguments(
  words: readonly string[],
  overrides: ArgumentOverrides,
  owned: Readonly<Record<string, Owned>> = ownedOptions,
): Overridden<readonly string[]> {
  const problems: Diagnostic[] = [];
  const seen = new Set<string>();
  let parts = partsOf(words);
  for (const [key, value] of Object.entries(overrides)) {
    const option = optionOf(key);
    if (option === undefined) {
      problems.push(unknownOption(key));
      continue;
    }
    const name = normalisedName(option.name);
    if (seen.has(name)) problems.push(twice(key, option.name));
    seen.add(name);
    const decidedBy = Object.hasOwn(owned, option.name) ? owned[option.name] : undefined;
    if (decidedBy !== undefined) {
      problems.push(ownedProblem([key], `--${option.name}`, decidedBy));
      continue;
    }
    const made = optionWords(option.kind, value);
    if (!made.isFitting) {
      problems.push({
        severity: "error",
        rule: "argument-type",
        path: [key],
        what: `--${option.name} (${option.project}) does not take this value`,
        got: shown(value),
        allowed: made.allowed,
      });
    } else if (made.words === undefined) parts = parts.filter((part) => part.name !== name);
    else parts = withOption(parts, name, `--${option.name}`, made.words);
  }
  return { value: problems.length > 0 ? words : parts.flatMap((part) => part.words), problems };
}
