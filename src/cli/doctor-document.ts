/**
 * The document that `ascend doctor --json` prints: a contract with other programs. A field is never renamed or removed within one
 * `schemaVersion`; new fields, topics and findings may come.
 */
import { z } from "zod";
import { type Finding, severities, topics } from "../doctor/finding.ts";

const finding = z.strictObject({
  topic: z.enum(topics).describe("What the check is about"),
  severity: z
    .enum(severities)
    .describe("error: the stack cannot run as it is; warning: it may wait, or something could not be checked"),
  what: z.string(),
  where: z.string().describe("The object, node or setting that it is about"),
  got: z.string().optional(),
  expected: z.string().optional(),
  fix: z.string().optional().describe("A command or a setting that mends it; every error has one"),
});

/** The whole document. */
export const doctorDocumentSchema = z.strictObject({
  schemaVersion: z.literal(1),
  stack: z.string(),
  namespace: z.string(),
  cluster: z.strictObject({
    server: z.string().describe("Address of the API server; empty when none is configured"),
    version: z.string().optional().describe("Version of Kubernetes; absent when the cluster could not be asked"),
  }),
  counts: z.strictObject({ error: z.number(), warning: z.number(), ok: z.number() }),
  findings: z.array(finding),
});

/** The document's type. */
export type DoctorDocument = z.infer<typeof doctorDocumentSchema>;

/** A cluster as the document names it. */
export type CheckedCluster = DoctorDocument["cluster"];

/** The findings in one document. */
export function doctorDocument(
  stack: string,
  namespace: string,
  cluster: CheckedCluster,
  findings: readonly Finding[],
): DoctorDocument {
  const count = (severity: Finding["severity"]): number => findings.filter((one) => one.severity === severity).length;
  const counts = { error: count("error"), warning: count("warning"), ok: count("ok") };
  return { schemaVersion: 1, stack, namespace, cluster, counts, findings: [...findings] };
}
