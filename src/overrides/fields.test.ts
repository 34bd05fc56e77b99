import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FieldRules, type Fields, overrideFields } from "./fields.ts";

const document: Fields = {
  load_video_features: false,
  predictor: { model_id: "videoditsparse", from_pretrained: null, num_layers: 32, patch_size_thw: [1, 2, 2] },
  ae: { vae_cp_size: 1, use_tiling: false, dtype: "bf16" },
  train_pipeline: { video: [{ trans_type: "ToTensorVideo" }] },
};
const rules: FieldRules = {
  known: { "ae.vae_scale_factor": [4, 8, 8], min_hxw: 1, "ae.i2v_processor": {}, "ae.i2v_processor.processor_id": "x" },
  owned: { "ae.vae_cp_size": { setting: "parallel.vaeContext", reason: "it follows from parallel.vaeContext" } },
};
const override = (overrides: Fields) => overrideFields(document, overrides, rules);

describe("overrideFields", () => {
  it("merges maps, replaces lists, and adds fields that upstream knows", () => {
    const { value, problems } = override({
      predictor: { num_layers: 8, patch_size_thw: [1, 4, 4], from_pretrained: "/mnt/weights/dit.pt" },
      ae: { vae_scale_factor: [4, 16, 16], i2v_processor: { processor_id: "opensoraplan_i2v_processor" } },
      min_hxw: 102400,
    });
    expect(problems).toEqual([]);
    expect(value).toEqual({
      ...document,
      predictor: {
        model_id: "videoditsparse",
        from_pretrained: "/mnt/weights/dit.pt",
        num_layers: 8,
        patch_size_thw: [1, 4, 4],
      },
      ae: {
        ...(document.ae as Fields),
        vae_scale_factor: [4, 16, 16],
        i2v_processor: { processor_id: "opensoraplan_i2v_processor" },
      },
      min_hxw: 102400,
    });
  });

  it("changes nothing when overridden with its own values, in whole or in part", () => {
    const bare: FieldRules = { known: {}, owned: {} };
    const field = fc.stringMatching(/^[a-z]{1,6}$/);
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(fc.integer()),
        fc.dictionary(field, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(field, tree, { maxKeys: 5 }), fc.func(fc.boolean()), (made, isKept) => {
        const part = Object.fromEntries(Object.entries(made).filter(([name]) => isKept(name)));
        expect(overrideFields(made, part, bare)).toEqual({ value: made, problems: [] });
      }),
    );
  });

  it("keeps the order of fields", () => {
    expect(Object.keys(override({ ae: { dtype: "fp32" }, load_video_features: true }).value)).toEqual(
      Object.keys(document),
    );
  });

  it.each<[Fields, string, readonly string[]]>([
    [{ predictor: { num_layer: 8 } }, "num_layer", ["num_layers"]],
    [{ num_layers: 8 }, "num_layers", ["predictor.num_layers"]],
    [{ ae: { use_tilling: true } }, "use_tilling", ["use_tiling"]],
    [{ ae: { vae_scale_factors: [1] } }, "vae_scale_factors", ["vae_scale_factor"]],
  ])("refuses the unknown field of %j with the nearest", (overrides, got, nearest) => {
    const { value, problems } = override(overrides);
    expect(value).toBe(document);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ rule: "field-known", got });
    expect(problems[0]?.nearest?.slice(0, nearest.length)).toEqual(nearest);
  });

  it("refuses every unknown field with a suggestion", () => {
    const known = ["load_video_features", "predictor", "ae", "train_pipeline", "min_hxw"];
    fc.assert(
      fc.property(fc.string(), (name) => {
        fc.pre(!known.includes(name));
        const { problems } = override(Object.fromEntries([[name, 1]]));
        expect(problems).toMatchObject([{ rule: "field-known", path: [name] }]);
        expect(problems[0]?.nearest?.length).toBeGreaterThan(0);
      }),
    );
  });

  it.each<[Fields, string]>([
    [{ load_video_features: "yes" }, "true or false"],
    [{ predictor: { num_layers: "8" } }, "a number"],
    [{ predictor: { num_layers: null } }, "a number"],
    [{ predictor: { model_id: 4 } }, "a text"],
    [{ predictor: 4 }, "a map"],
    [{ predictor: { patch_size_thw: 2 } }, "a list"],
    [{ predictor: { patch_size_thw: ["1"] } }, "a list of which each is a number"],
    [{ train_pipeline: { video: ["ToTensorVideo"] } }, "a list of which each is a map"],
    [{ predictor: { from_pretrained: {} } }, "a text, a number, true, false or null"],
    [{ min_hxw: "big" }, "a number"],
  ])("refuses %j for its type", (overrides, allowed) => {
    const { value, problems } = override(overrides);
    expect(value).toBe(document);
    expect(problems).toMatchObject([{ rule: "field-type", allowed }]);
  });

  it("refuses a field that follows from a setting, and names the setting", () => {
    expect(override({ ae: { vae_cp_size: 2 } }).problems).toMatchObject([
      {
        rule: "override-owned",
        path: ["ae", "vae_cp_size"],
        nearest: ["parallel.vaeContext"],
        remedy: "set parallel.vaeContext instead",
      },
    ]);
  });

  it("reports every mistake at once", () => {
    expect(override({ nonsense: 1, ae: { dtype: 3, vae_cp_size: 2 } }).problems.map(({ rule }) => rule)).toEqual([
      "field-known",
      "field-type",
      "override-owned",
    ]);
  });
});
