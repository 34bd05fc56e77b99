/** Why the Pods of a workload do not run, in a few lines: without them a time-out says nothing. */
import type { ApiClient } from "./api-client.ts";
import { type Json, type JsonObject, listAt, numberAt, objectAt, textAt } from "./json.ts";

/** Lines that a user can take in; a workload may have a thousand Pods with the same trouble. */
const maximumMessages = 5;

/** What is wrong with one Pod. */
export function messagesOfPod(pod: Json): readonly string[] {
  const name = textAt(pod, "metadata", "name") ?? "";
  const unscheduled = listAt(pod, "status", "conditions")
    .filter((condition) => textAt(condition, "type") === "PodScheduled" && textAt(condition, "status") === "False")
    .map((condition) => `[${textAt(condition, "reason") ?? ""}] ${textAt(condition, "message") ?? ""}`);
  const containers = ["initContainerStatuses", "containerStatuses"].flatMap((list) => listAt(pod, "status", list));
  const stuck = containers.flatMap((container) => {
    const waiting = objectAt(container, "state", "waiting");
    const reason = textAt(waiting, "reason");
    if (reason !== undefined && reason !== "ContainerCreating" && reason !== "PodInitializing") {
      return [`container ${textAt(container, "name")}: [${reason}] ${textAt(waiting, "message") ?? ""}`.trim()];
    }
    const exitCode = numberAt(container, "state", "terminated", "exitCode") ?? 0;
    if (exitCode === 0) return [];
    return [
      `container ${textAt(container, "name")} ended with exit code ${exitCode} (${textAt(container, "state", "terminated", "reason") ?? "no reason"})`,
    ];
  });
  return [...unscheduled, ...stuck].map((message) => `Pod ${name}: ${message}`);
}

/** The label selector that finds a workload's Pods, e.g. `app=a,tier=b`; undefined when it has none. */
export function selectorOf(workload: JsonObject): string | undefined {
  const labels = Object.entries(objectAt(workload, "spec", "selector", "matchLabels"));
  return labels.length === 0 ? undefined : labels.map(([key, value]) => `${key}=${String(value)}`).join(",");
}

/** What is wrong with the Pods of a workload; empty for other objects. Never throws: the wait's own error matters more. */
export async function podMessages(workload: JsonObject, api: ApiClient): Promise<readonly string[]> {
  const selector = selectorOf(workload);
  const namespace = textAt(workload, "metadata", "namespace");
  if (selector === undefined || namespace === undefined) return [];
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const pods = await api({ method: "GET", path, query: { labelSelector: selector } }).catch((): JsonObject => ({}));
  return listAt(pods, "items").flatMap(messagesOfPod).slice(0, maximumMessages);
}
