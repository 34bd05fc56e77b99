/** The reference of command line options, in English and in Chinese, from the catalogue. */
import type { Language } from "../config/reference-page.ts";
import { knownOptions } from "./catalogue.ts";
import { kindText } from "./option-kinds.ts";
import { ownedOptions } from "./owned-options.ts";

const words = {
  english: {
    title: "Arguments and configuration fields by upstream's names",
    intro:
      "What `overrides` of a run may hold. This page is generated from the catalogue in `src/overrides`; do not edit it.",
    rules: [
      "`runs.<name>.overrides` is for the training, `inference.overrides` for inference, `evaluation.overrides` for evaluation, and `extraction.overrides` for the extraction of features, each below the run.",
      "`arguments` sets options of the program by upstream's names, with or without dashes in front, with dashes or underscores inside. `false` leaves an option out; so does `null`. A given option is replaced where it stands, others are added at the end.",
      "`model`, `data` and `tools` set fields of the three JSON files by upstream's names: maps merge, lists are replaced. Inference and evaluation read a model file alone.",
      "Every value is checked against the type that upstream takes. An unknown name is refused with the nearest known one. What another setting decides is refused with that setting.",
      "`boolean` options are a trap of upstream: any word after them, `False` included, means true. `true` adds the option, `false` leaves it out.",
    ],
    heading: "| Option | Type | Registered by | Decided by |",
    nothing: "ascend-stacks",
  },
  chinese: {
    title: "按上游名称覆盖参数与配置字段",
    intro: "任务的 `overrides` 可用的内容。本页由 `src/overrides` 中的目录生成,请勿手工修改。",
    rules: [
      "`runs.<name>.overrides` 作用于训练;同一任务下的 `inference.overrides` 作用于推理,`evaluation.overrides` 作用于评测,`extraction.overrides` 作用于特征提取。",
      "`arguments` 按上游名称设置程序参数,可带或不带前导短横线,内部短横线与下划线等价。`false` 或 `null` 表示去掉该参数。已有参数原位替换,其余追加在末尾。",
      "`model`、`data`、`tools` 按上游名称设置三个 JSON 文件的字段:映射合并,列表整体替换。推理与评测只读模型文件。",
      "所有取值按上游类型校验。未知名称会被拒绝并提示最接近的名称;由其他设置决定的内容会被拒绝并提示对应设置。",
      "上游的 `boolean` 参数有陷阱:其后任何单词(包括 `False`)都被视为真。此处 `true` 表示添加,`false` 表示去掉。",
    ],
    heading: "| 参数 | 类型 | 来源 | 由何决定 |",
    nothing: "ascend-stacks",
  },
} as const;

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

/** The whole page as Markdown. */
export function overridesPage(language: Language): string {
  const { title, intro, rules, heading, nothing } = words[language];
  const rows = knownOptions.map(({ name, kind, project }) => {
    const owned = Object.hasOwn(ownedOptions, name) ? ownedOptions[name] : undefined;
    const decided = owned === undefined ? "" : owned.setting === undefined ? nothing : `\`${owned.setting}\``;
    return `| \`--${name}\` | ${cell(kindText(kind))} | ${project} | ${decided} |`;
  });
  const head = [`# ${title}`, "", intro, "", ...rules.map((rule) => `* ${rule}`), ""];
  return [...head, heading, "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}
