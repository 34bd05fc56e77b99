/** What a stack file says of overrides: the slice of the surface that belongs to this room. */
import { z } from "zod";
import { say, text } from "../config/fields.ts";

const optionValue = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.union([z.string(), z.number()])),
]);

const isJson = (value: unknown, depth = 0): boolean => {
  if (depth > 30) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  if (value !== null && typeof value === "object")
    return (
      Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every((item) => isJson(item, depth + 1))
    );
  return value === null || ["string", "number", "boolean"].includes(typeof value);
};

const json = z.custom<unknown>(
  (value) => isJson(value),
  "must be a plain value: text, number, true, false, null, list or map",
);
const document = z.record(text, json).default({});

const argumentOverrides = z
  .record(text, optionValue)
  .default({})
  .meta(
    say(
      "Command line options of the program by upstream's names, without dashes in front; false leaves an option out",
      "按上游名称覆盖命令行参数(不带前导短横线);false 表示去掉该参数",
    ),
  );
const modelOverrides = document.meta(say("Fields of the model file (--mm-model)", "模型配置文件(--mm-model)的字段"));
const overridesMeaning = say(
  "Overrides by upstream's names, checked against the pinned versions; unknown names are refused",
  "按上游名称覆盖参数与配置字段,依据锁定版本校验,未知名称会被拒绝",
);

/** Overrides by upstream's own names, for what has no setting of its own. */
export const overridesSchema = z
  .strictObject({
    arguments: argumentOverrides,
    model: modelOverrides,
    data: document.meta(say("Fields of the data file (--mm-data)", "数据配置文件(--mm-data)的字段")),
    tools: document.meta(say("Fields of the tool file (--mm-tool)", "工具配置文件(--mm-tool)的字段")),
  })
  .prefault({})
  .meta(overridesMeaning);

/** Overrides of a program that reads a model file alone. */
export const programOverridesSchema = z
  .strictObject({ arguments: argumentOverrides, model: modelOverrides })
  .prefault({})
  .meta(overridesMeaning);

/** Overrides of one run. */
export type Overrides = z.infer<typeof overridesSchema>;
