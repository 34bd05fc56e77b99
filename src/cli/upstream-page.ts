/** The page of differences from upstream, in English and in Chinese, from the rows that a test holds the plan to. */
import type { Language } from "../config/reference-page.ts";
import { upstreamDefects } from "../recipes/opensoraplan13/upstream-defects.ts";
import { type UpstreamDifference, upstreamDifferences } from "../recipes/opensoraplan13/upstream-differences.ts";

const words = {
  english: {
    title: "Differences from upstream",
    intro:
      "For each of the nine scripts in `examples/opensoraplan1.3` of MindSpeed-MM v26.0.0 there is a stack `guide-…`. Its arguments, environment and files equal those of the script, apart from the rows below; a test compares every one of them. This page is generated; do not edit it.",
    differences: "Intended differences",
    heading: "| What | Stacks | Upstream | Here | Reason |",
    defects: "Defects of upstream",
    defectHeading: "| Row | Upstream | Here |",
    numbers: "Numbers are compared as numbers: files write `1` where upstream writes `1.0`.",
    nodes:
      "With several nodes, `--master_addr` names the first node's place in the cluster, and `HCCL_SOCKET_IFNAME` and `GLOO_SOCKET_IFNAME` name the interface.",
    kinds: { argument: "argument", variable: "variable", field: "field" },
  },
  chinese: {
    title: "与上游的差异",
    intro:
      "MindSpeed-MM v26.0.0 的 `examples/opensoraplan1.3` 中九个脚本各对应一个 `guide-…` 环境,其参数、环境变量与文件除下表所列外与脚本完全一致,并由测试逐项比对。本页由程序生成,请勿手工修改。",
    differences: "有意的差异",
    heading: "| 内容 | 环境 | 上游 | 本项目 | 原因 |",
    defects: "上游缺陷",
    defectHeading: "| 行 | 上游 | 本项目 |",
    numbers: "数值按大小比较:文件中写作 `1`,上游写作 `1.0`。",
    nodes: "多机时 `--master_addr` 为首节点在集群中的地址,并设置 `HCCL_SOCKET_IFNAME` 与 `GLOO_SOCKET_IFNAME`。",
    kinds: { argument: "参数", variable: "环境变量", field: "字段" },
  },
} as const;

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);
const code = (text: string): string => `\`${text}\``;

/** A pattern as people read it: what may be anything is an ellipsis. */
const shape = (pattern: RegExp): string =>
  pattern.source
    .replaceAll(/[\^$]|"\?/g, "")
    .replaceAll(/\[[^\]]*\](\{\d+\}|\+)?/g, "…")
    .replaceAll(/\(json\\?\|?txt\)/g, "…")
    .replaceAll("\\", "");

const language = (text: { readonly description: string; readonly chinese: string }, chosen: Language): string =>
  chosen === "english" ? text.description : text.chinese;

function row(difference: UpstreamDifference, chosen: Language): string {
  const { kind, name, stacks, upstream, here, reason } = difference;
  const { kinds } = words[chosen];
  return `| ${[
    `${kinds[kind]} ${code(name)}`,
    stacks.map((stack) => code(stack.replace("guide-", ""))).join(" "),
    upstream === undefined ? "" : code(upstream),
    here === undefined ? "" : code(shape(here)),
    language(reason, chosen),
  ]
    .map(cell)
    .join(" | ")} |`;
}

/** The whole page as Markdown. */
export function upstreamPage(chosen: Language): string {
  const text = words[chosen];
  const defects = upstreamDefects.map(
    (defect) =>
      `| ${defect.row} | ${cell(language(defect.finding, chosen))} | ${cell(language(defect.here, chosen))} |`,
  );
  return [
    `# ${text.title}`,
    text.intro,
    [text.numbers, text.nodes].join(" "),
    `## ${text.differences}`,
    [text.heading, "| --- | --- | --- | --- | --- |", ...upstreamDifferences.map((item) => row(item, chosen))].join(
      "\n",
    ),
    `## ${text.defects}`,
    [text.defectHeading, "| --- | --- | --- |", ...defects].join("\n"),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}
