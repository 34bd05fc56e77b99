/** `ascend doctor <stack>`: whether the cluster can run the stack, without changing anything on it. */
import { type Connection, connect, UnreachableError } from "../doctor/connection.ts";
import { driverJudge } from "../doctor/driver-judge.ts";
import { examine } from "../doctor/examine.ts";
import { type Finding, type Severity, topics } from "../doctor/finding.ts";
import { gather } from "../doctor/gather.ts";
import { needsOf } from "../doctor/needs.ts";
import { readVersions } from "../images/versions.ts";
import { planStack } from "../stack.ts";
import { parseCall, UsageError } from "./arguments.ts";
import { type CheckedCluster, type DoctorDocument, doctorDocument } from "./doctor-document.ts";
import type { Terminal } from "./terminal.ts";

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Lines of one finding: what and where, then what is behind it, indented. */
function findingLines(found: DoctorDocument["findings"][number], terminal: Terminal): readonly string[] {
  const paint: Readonly<Record<Severity, (text: string) => string>> = {
    error: terminal.red,
    warning: terminal.yellow,
    ok: terminal.green,
  };
  const detail = (name: string, text: string | undefined): readonly string[] =>
    text === undefined ? [] : [`             ${name.padEnd(9)}${oneLine(text)}`];
  return [
    `  ${paint[found.severity](found.severity.padEnd(8))}   ${oneLine(found.where)}: ${oneLine(found.what)}`,
    ...detail("got", found.got),
    ...detail("expected", found.expected),
    ...detail("fix", found.fix),
  ];
}

/** The findings for people, grouped by topic. */
export function doctorText(document: DoctorDocument, terminal: Terminal): string {
  const groups = topics.flatMap((topic) => {
    const found = document.findings.filter((one) => one.topic === topic);
    return found.length === 0 ? [] : [terminal.bold(topic), ...found.flatMap((one) => findingLines(one, terminal)), ""];
  });
  const { error, warning, ok } = document.counts;
  const verdict =
    error > 0 ? terminal.red("The cluster cannot run this stack as it is") : terminal.green("The cluster can run it");
  return [
    terminal.bold(`Stack ${document.stack}: namespace ${document.namespace} on ${document.cluster.server}`),
    "",
    ...groups,
    `${verdict}: ${counted(error, "error")}, ${counted(warning, "warning")}, ${ok} ok.`,
    "",
  ].join("\n");
}

/** The one finding about a cluster that cannot be asked, for other programs. */
const unreachable = (server: string, { message }: UnreachableError): readonly Finding[] => [
  {
    topic: "cluster",
    severity: "error",
    where: server === "" ? "kubeconfig" : server,
    what: message,
    fix: "set KUBECONFIG to the cluster of this stack",
  },
];

/** Runs the command; returns the exit code: 1 when there are errors, or the cluster cannot be asked. */
export async function doctorCommand(
  words: readonly string[],
  projectFolder: string,
  terminal: Terminal,
): Promise<number> {
  const { stack, values } = parseCall("doctor", "<stack> [--json]", words, { json: { type: "boolean" } });
  const { plan, objects } = planStack(projectFolder, stack);
  const { namespace } = plan.environment;
  const print = (cluster: CheckedCluster, findings: readonly Finding[]): number => {
    const document = doctorDocument(stack, namespace, cluster, findings);
    terminal.print(values.json === true ? `${JSON.stringify(document, null, 2)}\n` : doctorText(document, terminal));
    return document.counts.error > 0 ? 1 : 0;
  };
  let connection: Connection | undefined;
  try {
    connection = connect();
    const needs = needsOf(stack, plan.environment, objects);
    const facts = await gather(connection, needs);
    return print(
      { server: facts.server, version: facts.version },
      examine(needs, facts, driverJudge(plan.environment, readVersions())),
    );
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (values.json !== true) throw new UsageError(error.message);
    const server = connection?.server ?? "";
    return print({ server }, unreachable(server, error));
  }
}
