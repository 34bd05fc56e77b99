/** The configuration reference, in English and in Chinese, from the same metadata as the schema itself. */
import type { JsonSchema } from "./json-schema.ts";

/** Languages of the pages. */
export type Language = "english" | "chinese";

const words = {
  english: {
    title: "Configuration reference",
    intro:
      "Every key below `config` → `ascend-stacks:environment` of a stack file. This page is generated; do not edit it.",
    heading: "| Key | Type | Default | Meaning |",
    required: "required",
    everyRun: "Runs: fields of every recipe",
    recipe: "Runs of the recipe",
    note: "`<name>` stands for a name that you choose. `extends` names files of `stacks/bases/`; the stack file wins, maps merge, lists replace, `null` removes an inherited key.",
  },
  chinese: {
    title: "配置参考",
    intro: "环境文件中 `config` → `ascend-stacks:environment` 之下的全部键。本页由程序生成,请勿手工修改。",
    heading: "| 键 | 类型 | 默认值 | 含义 |",
    required: "必填",
    everyRun: "任务:各 recipe 共有的键",
    recipe: "任务:recipe",
    note: "`<name>` 为自定义名称。`extends` 引用 `stacks/bases/` 中的文件:以环境文件为准,映射合并,列表替换,`null` 删除继承的键。",
  },
} as const;

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(" ");
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return [...new Set(options.map(typeText))].join(" / ");
  if (schema.type === "array") return `list of ${schema.items === undefined ? "anything" : typeText(schema.items)}`;
  if (schema.properties?.secure !== undefined) return "secret";
  return schema.type ?? "any";
}

const defaultText = (schema: JsonSchema, isRequired: boolean, language: Language): string => {
  if (schema.default !== undefined) {
    const text = JSON.stringify(schema.default);
    return text === "{}" ? "" : `\`${text}\``;
  }
  return isRequired ? words[language].required : "";
};

interface Row {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** All keys below a schema, depth first. Branches of a union are walked one after the other. */
function rows(schema: JsonSchema, prefix: string): readonly Row[] {
  const branches = schema.oneOf ?? schema.anyOf ?? [schema];
  return branches.flatMap((branch) => {
    const own = Object.entries(branch.properties ?? {}).flatMap(([name, inner]): readonly Row[] => {
      const path = prefix === "" ? name : `${prefix}.${name}`;
      const isSecret = inner.properties?.secure !== undefined;
      return [
        { path, schema: inner, isRequired: branch.required?.includes(name) === true },
        ...(isSecret ? [] : rows(inner, path)),
      ];
    });
    const named =
      typeof branch.additionalProperties === "object" ? rows(branch.additionalProperties, `${prefix}.<name>`) : [];
    const listed = branch.items === undefined ? [] : rows(branch.items, `${prefix}[]`);
    return [...own, ...named, ...listed];
  });
}

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

/** Lines of the table for the keys below a schema. */
function tableRows(schema: JsonSchema, prefix: string, language: Language): readonly string[] {
  const lines = rows(schema, prefix).map(({ path, schema: field, isRequired }) => {
    const meaning = (language === "english" ? field.description : field.chinese) ?? "";
    return `| \`${path}\` | ${cell(typeText(field))} | ${cell(defaultText(field, isRequired, language))} | ${cell(meaning)} |`;
  });
  // Branches of a union share fields; each is listed once.
  return [...new Set(lines)];
}

/** Schemas of runs by the recipe that each belongs to, and the environment without them. */
function splitRuns(schema: JsonSchema): {
  readonly environment: JsonSchema;
  readonly recipes: readonly (readonly [string, JsonSchema])[];
} {
  const runs = schema.properties?.runs;
  const run = typeof runs?.additionalProperties === "object" ? runs.additionalProperties : undefined;
  const branches = run?.oneOf ?? run?.anyOf ?? (run === undefined ? [] : [run]);
  const recipes = branches.map((branch) => [String(branch.properties?.recipe?.const), branch] as const);
  if (runs === undefined) return { environment: schema, recipes };
  const { additionalProperties: _, ...bare } = runs;
  return { environment: { ...schema, properties: { ...schema.properties, runs: bare } }, recipes };
}

const table = (heading: string, lines: readonly string[]): string =>
  [heading, "| --- | --- | --- | --- |", ...lines].join("\n");

/** The whole page as Markdown: the environment, what every run has, and what each recipe adds. */
export function referencePage(schema: JsonSchema, language: Language): string {
  const { title, intro, heading, note, everyRun, recipe } = words[language];
  const { environment, recipes } = splitRuns(schema);
  const ofRecipes = recipes.map(([name, branch]) => [name, tableRows(branch, "runs.<name>", language)] as const);
  const [first] = ofRecipes;
  const shared = (first?.[1] ?? []).filter((line) => ofRecipes.every(([, lines]) => lines.includes(line)));
  return [
    `# ${title}`,
    intro,
    note,
    table(heading, tableRows(environment, "", language)),
    ...(shared.length === 0 ? [] : [`## ${everyRun}`, table(heading, shared)]),
    ...ofRecipes.flatMap(([name, lines]) => [
      `## ${recipe} \`${name}\``,
      table(
        heading,
        lines.filter((line) => !shared.includes(line)),
      ),
    ]),
  ]
    .join("\n\n")
    .concat("\n");
}
