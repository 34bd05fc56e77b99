/** What the catalogue says of an environment variable, and whether a value fits. */

/** Stages of the guide whose scripts export variables. */
export type GuideTask = "t2v" | "i2v" | "featureTraining" | "extractFeatures" | "inference" | "evaluation";

/** A range of whole numbers, both ends included. */
export interface WholeRange {
  readonly minimum: number;
  readonly maximum: number;
}

/** Verdict of a pattern on a value: what is wrong with it, or `undefined`. */
export type PatternCheck = (value: string) => string | undefined;

/** The values that a variable takes. */
export type VariableValues =
  | { readonly kind: "flag" }
  | { readonly kind: "choice"; readonly choices: readonly string[]; readonly usual?: readonly string[] }
  | ({
      readonly kind: "integer";
      readonly unit?: string;
      /** A narrower range that a source recommends or states: values outside it are doubtful, not refused. */
      readonly usual?: WholeRange;
    } & WholeRange)
  | { readonly kind: "pattern"; readonly form: string; readonly check: PatternCheck };

/** One environment variable. */
export interface KnownVariable {
  readonly name: string;
  readonly values: VariableValues;
  /** What the runtime does when it is unset; absent when no source says so. */
  readonly default?: string;
  readonly english: string;
  readonly chinese: string;
  /** Who says so. */
  readonly source: string;
  /** What the guide's scripts export, and which of them. */
  readonly exported?: { readonly value: string; readonly tasks: readonly GuideTask[] };
}

/** A finding about one value. */
export interface ValueProblem {
  readonly severity: "error" | "warning";
  readonly what: string;
  readonly allowed: string;
  readonly nearest?: readonly string[];
}

const rangeText = ({ minimum, maximum }: WholeRange, unit?: string): string =>
  `${minimum} to ${maximum}${unit === undefined ? "" : ` ${unit}`}`;

/** The values of a variable in words. */
export function valuesText(values: VariableValues): string {
  switch (values.kind) {
    case "flag":
      return "0 or 1";
    case "choice":
      return values.choices.join(", ");
    case "integer":
      return `a whole number, ${rangeText(values, values.unit)}`;
    case "pattern":
      return values.form;
  }
}

const clamp = (value: number, { minimum, maximum }: WholeRange): number => Math.min(maximum, Math.max(minimum, value));

function integerProblem(
  values: Extract<VariableValues, { kind: "integer" }>,
  value: string,
  source: string,
): ValueProblem | undefined {
  const allowed = valuesText(values);
  if (!/^-?[0-9]{1,15}$/.test(value)) return { severity: "error", what: "the value is not a whole number", allowed };
  const number = Number(value);
  const nearest = (range: WholeRange): readonly string[] => [String(clamp(number, range))];
  if (clamp(number, values) !== number)
    return { severity: "error", what: "the value is outside its range", allowed, nearest: nearest(values) };
  const { usual } = values;
  if (usual === undefined || clamp(number, usual) === number) return undefined;
  return {
    severity: "warning",
    what: `the value is outside the usual range (${source})`,
    allowed: `usually ${rangeText(usual, values.unit)}`,
    nearest: nearest(usual),
  };
}

/** What is wrong or doubtful about a value. */
export function valueProblem({ values, source }: KnownVariable, value: string): ValueProblem | undefined {
  const allowed = valuesText(values);
  switch (values.kind) {
    case "flag":
      return value === "0" || value === "1"
        ? undefined
        : { severity: "error", what: "the variable is a switch", allowed };
    case "choice": {
      if (!values.choices.includes(value)) {
        const same = values.choices.filter((choice) => choice.toLowerCase() === value.toLowerCase());
        return { severity: "error", what: "the variable does not take this value", allowed, nearest: same };
      }
      if (values.usual?.includes(value) !== false) return undefined;
      const usually = `usually ${values.usual.join(", ")}`;
      return { severity: "warning", what: `the guide does not know this value (${source})`, allowed: usually };
    }
    case "integer":
      return integerProblem(values, value, source);
    case "pattern": {
      const wrong = values.check(value);
      return wrong === undefined ? undefined : { severity: "error", what: wrong, allowed };
    }
  }
}
