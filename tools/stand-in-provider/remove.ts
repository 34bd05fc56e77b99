/** Deleting objects. */
import { deletionPropagationOf, isAnnotated, timeoutSecondsOf } from "./annotations.ts";
import { untilGone } from "./await.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { objectPath } from "./discovery.ts";
import { hasStatus, UnknownKindError } from "./errors.ts";
import { type JsonObject, textAt } from "./json.ts";
import { hasContent, type OperationOptions, servedKind } from "./operation.ts";
import { toKubernetes } from "./property-values.ts";
import type { Session } from "./session.ts";
import { groupOf, type ObjectType, parseId } from "./tokens.ts";

/** What Delete is told. */
export interface DeleteRequest {
  readonly id: string;
  readonly type: ObjectType;
  /** Outputs and inputs of the last update in wire form. */
  readonly state: JsonObject;
  readonly inputs: JsonObject;
}

/** Kinds whose deletion is not waited for under `skipAwait`; for all others the official provider waits in spite of it. */
const skippingKinds: ReadonlySet<string> = new Set([
  "apps/DaemonSet",
  "apps/Deployment",
  "apps/StatefulSet",
  "batch/Job",
  "/Namespace",
  "/Pod",
  "/ReplicationController",
]);

/** Kinds with many Pods to wait for. */
const slowKinds: ReadonlySet<string> = new Set([
  "apps/DaemonSet",
  "apps/Deployment",
  "apps/StatefulSet",
  "/ReplicationController",
]);

const kindKey = (object: JsonObject): string =>
  `${groupOf(textAt(object, "apiVersion") ?? "")}/${textAt(object, "kind") ?? ""}`;

/**
 * Deletes an object, dependents first unless annotated otherwise, and waits until it is gone. An object that is already gone, or
 * whose kind is, counts as deleted.
 *
 * @throws ProviderError when the server refuses or the object outlives the wait
 */
export async function deleteObject(session: Session, request: DeleteRequest, options: OperationOptions): Promise<void> {
  const checkpoint = readCheckpoint(request.state);
  const inputs = hasContent(request.inputs) ? toKubernetes(request.inputs) : checkpoint.inputs;
  const object: JsonObject = { ...request.type, ...checkpoint.live };
  const { name, namespace } = parseId(request.id);
  try {
    const kind = await servedKind(session, object);
    const path = objectPath(kind, namespace ?? session.defaultNamespace, name);
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: deletionPropagationOf(inputs) };
    await session.api({ method: "DELETE", path, body });
    if (isAnnotated(inputs, "skipAwait") && skippingKinds.has(kindKey(object))) return;
    const timeoutSeconds = timeoutSecondsOf(inputs, options.timeoutSeconds, slowKinds.has(kindKey(object)) ? 600 : 300);
    await untilGone(path, object, timeoutSeconds, { api: session.api, signal: options.signal, report: options.report });
  } catch (error) {
    if (error instanceof UnknownKindError || hasStatus(error, 404)) return;
    throw error;
  }
}
