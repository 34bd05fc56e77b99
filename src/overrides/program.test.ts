import { describe, expect, it } from "vitest";
import { isEmpty, overrideProgram, type ProgramRules } from "./program.ts";
import { type Overrides, overridesSchema } from "./surface.ts";

const stage = {
  stage: "pretrain",
  program: ["pretrain_sora.py", "--seed", "1", "--mm-model", "/etc/model.json", "--mm-tool", "/etc/tools.json"],
  files: {
    "/etc/model.json": JSON.stringify({ ae: { use_tiling: false } }),
    "/etc/tools.json": JSON.stringify({ profile: { enable: false } }),
  },
};
const nothing = { known: {}, owned: {} };
const rules: ProgramRules = {
  options: { seed: { setting: "training.seed", reason: "it follows from training.seed" } },
  model: nothing,
  data: nothing,
  tools: nothing,
};
const overrides = (given: unknown): Overrides => overridesSchema.parse(given);

describe("overrideProgram", () => {
  it("gives back the very stage when nothing is overridden", () => {
    expect(isEmpty(overrides({}))).toBe(true);
    expect(overrideProgram(stage, overrides({}), rules)).toEqual({ value: stage, problems: [] });
  });

  it("overrides arguments and the files that they name, and keeps the rest", () => {
    const given = overrides({ arguments: { bf16: true }, model: { ae: { use_tiling: true } } });
    expect(isEmpty(given)).toBe(false);
    const { value, problems } = overrideProgram(stage, given, rules);
    expect(problems).toEqual([]);
    expect(value.stage).toBe("pretrain");
    expect(value.program).toEqual([...stage.program, "--bf16"]);
    expect(JSON.parse(value.files["/etc/model.json"] ?? "")).toEqual({ ae: { use_tiling: true } });
    expect(value.files["/etc/tools.json"]).toBe(stage.files["/etc/tools.json"]);
  });

  it("reports every mistake with its place, and changes nothing then", () => {
    const given = overrides({
      arguments: { seed: 2, sead: 2 },
      model: { ae: { use_tilling: true } },
      data: { dataset_param: {} },
      tools: { profile: { enable: 1 } },
    });
    const { value, problems } = overrideProgram(stage, given, rules);
    expect(value).toBe(stage);
    expect(problems.map(({ rule, path }) => `${rule} ${path.join(".")}`)).toEqual([
      "override-owned arguments.seed",
      "argument-known arguments.sead",
      "field-known model.ae.use_tilling",
      "overridden-file data",
      "field-type tools.profile.enable",
    ]);
  });

  it("takes plain values only", () => {
    const date = overridesSchema.safeParse({ model: { when: new Date(0) } });
    expect(date.success).toBe(false);
    expect(overridesSchema.safeParse({ model: { a: [{ b: null }] }, arguments: { x: [1, "2"] } }).success).toBe(true);
    expect(overridesSchema.safeParse({ argument: {} }).success).toBe(false);
  });
});
