/** Rules that look at one variable at a time: its name, its value, what it may hold. */
import { meantVariables, variableOf } from "./catalogue.ts";
import { finding, overruled, type VariableRule } from "./context.ts";
import { valueProblem } from "./known-variable.ts";

/** A name that is almost a known one was meant to be it. */
export const spellingKnown: VariableRule = {
  name: "variable-spelling",
  source: "catalogue of this room",
  check: (given, context) =>
    Object.keys(given).flatMap((name) => {
      const nearest = meantVariables(name);
      if (nearest.length === 0) return [];
      const found = finding("variable-spelling", "error", name, {
        what: "the name looks like a misspelt known variable",
        got: name,
        allowed: "a known variable, or a name of your own that is unlike every known one",
        nearest,
        remedy: "correct it",
      });
      return [overruled(found, name, context)];
    }),
};

/** A known variable has a value that its runtime takes. */
export const valueInRange: VariableRule = {
  name: "variable-value",
  source: "sources of the catalogue's entries",
  check: (given, context) =>
    Object.entries(given).flatMap(([name, value]) => {
      const variable = variableOf(name);
      const problem = variable === undefined ? undefined : valueProblem(variable, value);
      if (problem === undefined) return [];
      const { severity, ...rest } = problem;
      return [overruled(finding("variable-value", severity, name, { ...rest, got: `"${value}"` }), name, context)];
    }),
};

const secretWords = [
  "TOKEN",
  "PASSWORD",
  "PASSWD",
  "PASSPHRASE",
  "SECRET",
  "KEY",
  "APIKEY",
  "CREDENTIAL",
  "CREDENTIALS",
];
const isSecretName = (name: string): boolean =>
  variableOf(name) === undefined &&
  name
    .toUpperCase()
    .split("_")
    .some((word) => secretWords.includes(word));
/** An address with a password in front of its host, as proxies are often written. */
const holdsPassword = (value: string): boolean => /:\/\/[^/@\s:]*:[^/@\s]+@/.test(value);

/** Values stand in state, in manifests and in Git for everybody to read. The finding does not repeat the value. */
export const secretsByReference: VariableRule = {
  name: "secrets-by-reference",
  source: "values of variables are part of manifests and of state in clear",
  check: (given) =>
    Object.entries(given)
      .filter(([name, value]) => value !== "" && (isSecretName(name) || holdsPassword(value)))
      .map(([name]) =>
        finding("secrets-by-reference", "error", name, {
          what: "the variable seems to hold a secret, and its value would stand in clear in manifests and state",
          allowed: "secrets by reference",
          remedy: `put the value into a Secret of the cluster and name it: secretVariables: { ${name}: { secret: …, key: … } }`,
        }),
      ),
};

/** What the scheduler decided for a pod is not overruled by a list of devices. */
interface Doubt {
  readonly what: string;
  readonly remedy: string;
  /** The value with which the variable does no harm. */
  readonly harmless?: string;
}
const warned: Readonly<Record<string, Doubt>> = {
  ASCEND_VISIBLE_DEVICES: {
    what: "the NPUs of a pod follow from what the scheduler gave it; a fixed list takes NPUs of other pods",
    remedy: "remove it, and set npusPerNode for fewer NPUs",
  },
  ASCEND_RT_VISIBLE_DEVICES: {
    what: "the list hides NPUs that the pod was given, and ranks without an NPU fail",
    remedy: "remove it, and set npusPerNode for fewer NPUs",
  },
  NPUS_PER_NODE: { what: "no program reads the variable", remedy: "set npusPerNode instead" },
  VP_SIZE: { what: "no program of this model reads the variable", remedy: "set parallel.virtualPipeline instead" },
  NON_MEGATRON: {
    what: "the variable selects the trainer of other model families, which this recipe does not start",
    remedy: "remove it",
    harmless: "false",
  },
  RANK_TABLE_FILE: {
    what: "ranks find each other without a table, and HCCL rejects a path that is a symbolic link, as in ConfigMap volumes",
    remedy: "remove it, unless your image carries the table as a real file",
  },
  ASCEND_LAUNCH_BLOCKING: {
    what: "operators run one by one, which makes training slow",
    remedy: "remove it when you have found the fault",
    harmless: "0",
  },
};

/** Variables that seldom do what is meant. */
export const doubtfulVariables: VariableRule = {
  name: "variable-doubtful",
  source: "MindSpeed-MM 26.0.0 guide; MindCluster 26.0.0 documentation",
  check: (given) =>
    Object.entries(warned).flatMap(([name, { what, remedy, harmless }]) =>
      Object.hasOwn(given, name) && given[name] !== harmless
        ? [finding("variable-doubtful", "warning", name, { what, got: `"${given[name]}"`, remedy })]
        : [],
    ),
};

/** `acceptedVariables` names variables of the run. */
export const acceptedAreGiven: VariableRule = {
  name: "accepted-given",
  source: "a name that vouches for nothing is a mistake",
  check: (given, { accepted }) =>
    accepted.flatMap((name, index) =>
      Object.hasOwn(given, name)
        ? []
        : [
            {
              severity: "error" as const,
              rule: "accepted-given",
              path: ["acceptedVariables", index],
              what: "the run sets no such environment variable",
              got: name,
              allowed: Object.keys(given).join(", ") || "nothing, for the run sets no variables",
            },
          ],
    ),
};
