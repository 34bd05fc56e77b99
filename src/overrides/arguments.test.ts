import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overrideArguments } from "./arguments.ts";
import { type KnownOption, knownOptions, nearestOptions, normalisedName, optionOf } from "./catalogue.ts";
import type { OptionValue } from "./option-kinds.ts";
import { ownedOptions } from "./owned-options.ts";

const command = [
  "pretrain_sora.py",
  ...["--adam-beta1", "0.9", "--adam-eps", "1e-15", "--lr-decay-style", "constant"],
  ...["--bf16", "--lora-target-modules", "proj_out", "to_q", "--seed", "-3"],
];

const free = knownOptions.filter(({ name }) => !Object.hasOwn(ownedOptions, name));

/** A value that fits an option, and the words that stand for it. */
function fittingValue({ kind }: KnownOption): fc.Arbitrary<OptionValue> {
  const words = fc.stringMatching(/^[a-z][a-z0-9./_]{0,12}$/);
  const numbers = fc.double({ noNaN: true, noDefaultInfinity: true });
  if (typeof kind !== "string") return fc.constantFrom(...kind);
  if (kind === "flag" || kind === "boolean") return fc.constant(true);
  if (kind === "integer") return fc.integer();
  if (kind === "number") return numbers;
  if (kind === "text") return words;
  const item: fc.Arbitrary<string | number> = kind === "integers" ? fc.integer() : kind === "numbers" ? numbers : words;
  return fc.array(item, { minLength: 1, maxLength: 4 });
}

const anyOption = fc.constantFrom(...free);
const anyOverride = anyOption.chain((option) => fittingValue(option).map((value) => ({ option, value })));

describe("overrideArguments", () => {
  it("replaces an option where it stands, adds others at the end, takes out what is false or null", () => {
    const { value, problems } = overrideArguments(command, {
      "adam-beta1": 0.95,
      bf16: false,
      seed: null,
      "--lora_target_modules": ["to_k"],
      "tensorboard-dir": "/mnt/logs",
      "log-throughput": true,
      "lora-mixed-training": true,
    });
    expect(problems).toEqual([]);
    expect(value).toEqual([
      "pretrain_sora.py",
      ...["--adam-beta1", "0.95", "--adam-eps", "1e-15", "--lr-decay-style", "constant"],
      ...["--lora-target-modules", "to_k", "--tensorboard-dir", "/mnt/logs"],
      ...["--log-throughput", "--lora-mixed-training", "True"],
    ]);
  });

  it("keeps upstream's spelling of a number that says the same", () => {
    const same = { "adam-eps": 1e-15, "adam-beta1": 0.9, seed: -3, "lora-target-modules": ["proj_out", "to_q"] };
    expect(overrideArguments(command, { ...same, bf16: true, "lr-decay-style": "constant" })).toEqual({
      value: command,
      problems: [],
    });
  });

  it("overriding twice with the same values changes nothing the second time, and other arguments keep their order", () => {
    fc.assert(
      fc.property(fc.array(anyOverride, { maxLength: 6 }), (chosen) => {
        const overrides = Object.fromEntries(chosen.map(({ option, value }) => [option.name, value]));
        const once = overrideArguments(command, overrides);
        expect(once.problems).toEqual([]);
        expect(overrideArguments(once.value, overrides)).toEqual(once);
        const names = new Set(chosen.map(({ option }) => option.name));
        const rest = (words: readonly string[]): readonly string[] =>
          words.filter((word) => word.startsWith("--") && command.includes(word) && !names.has(word.slice(2)));
        expect(rest(once.value)).toEqual(rest(command));
      }),
    );
  });

  it("takes back an added option", () => {
    fc.assert(
      fc.property(anyOverride, ({ option, value }) => {
        fc.pre(!command.includes(`--${option.name}`));
        const added = overrideArguments(command, { [option.name]: value }).value;
        expect(added.slice(0, command.length)).toEqual(command);
        expect(added[command.length]).toBe(`--${option.name}`);
        expect(overrideArguments(added, { [option.name]: null }).value).toEqual(command);
      }),
    );
  });

  it("refuses every unknown name with a suggestion and leaves the command alone", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        fc.pre(optionOf(name) === undefined);
        const { value, problems } = overrideArguments(command, { [name]: true });
        expect(value).toEqual(command);
        expect(problems).toHaveLength(1);
        expect(problems[0]).toMatchObject({ rule: "argument-known", path: [name], severity: "error" });
        expect(problems[0]?.nearest?.every((near) => optionOf(near) !== undefined)).toBe(true);
        expect(problems[0]?.nearest?.length).toBeGreaterThan(0);
      }),
    );
  });

  it.each([
    ["adam-beta", ["adam-beta1", "adam-beta2"]],
    ["recompute-num-layer", ["recompute-num-layers"]],
    ["use_distributed_optimiser", ["use-distributed-optimizer"]],
    ["use-fussed-rmsnorm", ["use-fused-rmsnorm"]],
  ])("suggests for %s", (wrong, nearest) => {
    expect(nearestOptions(wrong).slice(0, nearest.length)).toEqual(nearest);
  });

  it.each<[string, OptionValue, string]>([
    ["adam-beta1", "0.9", "a number, without quotes"],
    ["seed", 1.5, "a whole number, without quotes"],
    ["seed", true, "a whole number, without quotes"],
    ["bf16", "yes", "true, or false to leave the flag out"],
    ["lr-decay-style", "cosin", "one of constant, linear, cosine, inverse-square-root, WSD"],
    ["profile-ranks", 0, "a list of whole numbers"],
    ["lora-target-modules", [], "a list of texts that do not start with a dash"],
    ["tensorboard-dir", "--load", "a text that does not start with a dash; numbers in quotes"],
    ["tensorboard-dir", 3, "a text that does not start with a dash; numbers in quotes"],
  ])("refuses %s: %j", (name, value, allowed) => {
    const result = overrideArguments(command, { [name]: value });
    expect(result.value).toEqual(command);
    expect(result.problems).toMatchObject([
      { rule: "argument-type", path: [name], got: JSON.stringify(value), allowed },
    ]);
  });

  it("refuses values of another type for every option", () => {
    const wrong = (option: KnownOption): OptionValue => {
      if (option.kind === "text" || option.kind === "texts") return 7;
      return option.kind === "integer" || option.kind === "number" ? "seven" : "no such choice";
    };
    for (const option of free) {
      expect(overrideArguments(command, { [option.name]: wrong(option) }).problems, option.name).toHaveLength(1);
    }
  });

  it("refuses what other settings decide and names the setting", () => {
    for (const [name, { setting }] of Object.entries(ownedOptions)) {
      const [problem, ...others] = overrideArguments(command, { [name]: 1 }).problems;
      expect(others).toEqual([]);
      expect(problem).toMatchObject({ rule: "override-owned", path: [name], severity: "error" });
      if (setting !== undefined)
        expect(problem).toMatchObject({ nearest: [setting], remedy: `set ${setting} instead` });
    }
  });

  it("refuses two spellings of one option", () => {
    expect(overrideArguments(command, { seed: 1, "--seed": 2 }).problems).toMatchObject([{ rule: "argument-once" }]);
  });

  it("is not fooled by names that every object has", () => {
    for (const name of ["constructor", "__proto__", "toString"]) {
      const overrides = JSON.parse(`{"${name}": true}`) as Record<string, boolean>;
      expect(overrideArguments(command, overrides).problems).toMatchObject([{ rule: "argument-known" }]);
    }
  });
});

describe("the catalogue of options", () => {
  it("holds every owned option, and each name once", () => {
    expect(Object.keys(ownedOptions).filter((name) => optionOf(name)?.name !== name)).toEqual([]);
    const names = knownOptions.map(({ name }) => normalisedName(name));
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(550);
  });

  it("lets the project registered last win, as upstream's parser does", () => {
    expect(optionOf("optimizer")).toEqual({
      name: "optimizer",
      kind: ["adam", "sgd", "muon"],
      project: "MindSpeed-MM v26.0.0",
    });
    expect(optionOf("--override_opt_param_scheduler")?.name).toBe("override-opt_param-scheduler");
  });
});
