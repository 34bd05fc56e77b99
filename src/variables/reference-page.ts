/** The reference of environment variables, in English and in Chinese, from the catalogue. */
import type { Language } from "../config/reference-page.ts";
import { variableGroups } from "./catalogue.ts";
import { type GuideTask, type KnownVariable, valuesText } from "./known-variable.ts";

const words = {
  english: {
    title: "Environment variables",
    intro:
      "What `runs.<name>.environmentVariables` may hold. This page is generated from the catalogue in `src/variables`; do not edit it.",
    rules: [
      "The values are laid over those that the guide's scripts export. A value that the runtime would not take is refused before anything is created; a value outside the range that the guide states, but inside that of CANN, is a warning.",
      "Variables that are not listed here are passed on untouched. A name that is almost a listed one is refused with the name that was probably meant. To pass it on all the same, or to give a listed variable a value outside its range (for a newer CANN, for instance), name it in `acceptedVariables`; the finding is then a warning.",
      "Names that the scheduler or the launcher sets (`RANK`, `MASTER_ADDR`, `MINDX_…`, `VC_…`, `PET_…` and so on) are refused. So are values that look like secrets: put them into a Secret of the cluster and name it in `secretVariables`.",
    ],
    heading: "| Variable | Values | Unset means | Exported by the guide | Meaning | Source |",
    tasks: {
      t2v: "t2v",
      i2v: "i2v",
      featureTraining: "feature training",
      extractFeatures: "feature extraction",
      inference: "inference",
      evaluation: "evaluation",
    } satisfies Record<GuideTask, string>,
  },
  chinese: {
    title: "环境变量",
    intro: "`runs.<name>.environmentVariables` 可用的内容。本页由 `src/variables` 中的目录生成,请勿手工修改。",
    rules: [
      "所填取值覆盖指南脚本导出的值。运行时不接受的取值在创建任何资源之前即被拒绝;超出指南范围但仍在 CANN 范围内的取值给出警告。",
      "未列出的变量原样传递。与已列变量极为相似的名称会被拒绝,并提示可能的正确名称。如确需传递,或需为已列变量设置超出范围的取值(例如更新版本的 CANN),请将其名称写入 `acceptedVariables`,此时仅给出警告。",
      "由调度器或启动器设置的名称(`RANK`、`MASTER_ADDR`、`MINDX_…`、`VC_…`、`PET_…` 等)会被拒绝;疑似密钥的取值同样会被拒绝:请放入集群 Secret,并在 `secretVariables` 中引用。",
    ],
    heading: "| 变量 | 取值 | 未设置时 | 指南脚本导出 | 含义 | 来源 |",
    tasks: {
      t2v: "t2v",
      i2v: "i2v",
      featureTraining: "特征训练",
      extractFeatures: "特征提取",
      inference: "推理",
      evaluation: "评估",
    } satisfies Record<GuideTask, string>,
  },
} as const;

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

function row(variable: KnownVariable, language: Language): string {
  const { name, values, exported, source } = variable;
  const tasks = words[language].tasks;
  const cells = [
    `\`${name}\``,
    valuesText(values),
    variable.default ?? "",
    exported === undefined ? "" : `\`${exported.value}\` (${exported.tasks.map((task) => tasks[task]).join(", ")})`,
    variable[language],
    source,
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

/** The whole page as Markdown. */
export function variablesPage(language: Language): string {
  const { title, intro, rules, heading } = words[language];
  const groups = variableGroups.flatMap((group) => [
    `## ${group[language]}`,
    "",
    heading,
    "| --- | --- | --- | --- | --- | --- |",
    ...group.variables.map((variable) => row(variable, language)),
    "",
  ]);
  return [`# ${title}`, "", intro, "", ...rules.map((rule) => `* ${rule}`), "", ...groups].join("\n");
}
