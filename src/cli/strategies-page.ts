/** The reference of parallel strategies: which go together, and every rule with its source. Made from the rules themselves. */
import type { Language } from "../config/reference-page.ts";
import { pairs, type Relation } from "../parallel/compatibility.ts";
import { type Severity, type Strategy, strategies } from "../parallel/facts.ts";
import { layoutRules } from "../parallel/rules.ts";

const strategyWords: Readonly<Record<Strategy, string>> = {
  tensor: "TP",
  sequence: "SP",
  ulysses: "CP (Ulysses)",
  ring: "CP (ring, USP)",
  pipeline: "PP",
  virtualPipeline: "VP",
  vaeContext: "VAE-CP",
  encoderData: "Encoder-DP",
  encoderOffload: "Encoder offload",
  dynamicContext: "Dynamic DP/CP",
};

const words = {
  english: {
    title: "Parallel strategies",
    intro:
      "Which strategies go together, and every rule with the upstream file that would stop, or silently spoil, a run that breaks it. MM is MindSpeed-MM v26.0.0, MS MindSpeed 5176c6f5, MC Megatron-LM core_v0.12.1. This page is generated; do not edit it.",
    pairs: "Pairs",
    rules: "Rules",
    heading: "| Rule | Kind | Mended by | Source |",
    relations: {
      ok: "ok",
      arithmetic: "if sizes fit",
      needs: "needs",
      excludes: "either or",
      no: "**no**",
      unverified: "unverified",
      broken: "**broken**",
    } satisfies Record<Relation, string>,
    severities: { error: "error", warning: "warning", note: "note" } satisfies Record<Severity, string>,
  },
  chinese: {
    title: "并行策略",
    intro:
      "各并行策略能否组合,以及每条规则与其上游出处(违反时会中止或悄悄破坏训练)。MM 为 MindSpeed-MM v26.0.0,MS 为 MindSpeed 5176c6f5,MC 为 Megatron-LM core_v0.12.1。本页由程序生成,请勿手工修改。",
    pairs: "两两组合",
    rules: "规则",
    heading: "| 规则 | 类别 | 可调整的设置 | 出处 |",
    relations: {
      ok: "可以",
      arithmetic: "尺寸合适时可以",
      needs: "依赖",
      excludes: "二选一",
      no: "**不可**",
      unverified: "未验证",
      broken: "**不可用**",
    } satisfies Record<Relation, string>,
    severities: { error: "错误", warning: "警告", note: "说明" } satisfies Record<Severity, string>,
  },
} as const;

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** What the matrix says of two strategies; a need is told by the one that is needed. */
function relationText(one: Strategy, other: Strategy, language: Language): string {
  const pair = pairs.find(
    ({ first, second }) => (first === one && second === other) || (first === other && second === one),
  );
  if (pair === undefined) return "–";
  const text = words[language].relations[pair.relation];
  return pair.relation === "needs" ? `${text} ${strategyWords[pair.second]}` : text;
}

/** The whole page as Markdown. */
export function strategiesPage(language: Language): string {
  const { title, intro, heading, severities, ...names } = words[language];
  const matrix = strategies.map((one) =>
    row([strategyWords[one], ...strategies.map((other) => relationText(one, other, language))]),
  );
  const rules = layoutRules.map(({ name, severity, mendedBy, source }) =>
    row([`\`${name}\``, severities[severity], mendedBy.map((setting) => `\`${setting}\``).join(" ") || "–", source]),
  );
  return [
    ...[`# ${title}`, "", intro, "", `## ${names.pairs}`, ""],
    ...[
      row(["", ...strategies.map((strategy) => strategyWords[strategy])]),
      row(["---", ...strategies.map(() => "---")]),
    ],
    ...[...matrix, "", `## ${names.rules}`, "", heading, "| --- | --- | --- | --- |", ...rules, ""],
  ].join("\n");
}
