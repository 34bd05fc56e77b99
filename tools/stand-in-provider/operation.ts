/** What creating, updating, reading and deleting have in common. */
import { annotationOf } from "./annotations.ts";
import { describe, untilReady } from "./await.ts";
import { defaultFieldManager, makeCheckpoint } from "./checkpoint.ts";
import type { ServedKind } from "./discovery.ts";
import { hasStatus, KubernetesApiError, NotReadyError, UnknownKindError } from "./errors.ts";
import { isObject, type JsonObject, textAt, withoutValue } from "./json.ts";
import { adoptFields } from "./managed-fields.ts";
import { toKubernetes } from "./property-values.ts";
import type { Session } from "./session.ts";
import { idOf } from "./tokens.ts";

/** What one operation on a resource is told beside its properties. */
export interface OperationOptions {
  readonly isPreview: boolean;
  /** `customTimeouts` of the resource in seconds; 0 when not set. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly report: (message: string) => void;
}

/** An object that is in the cluster. `failure` says that it did not become ready. */
export interface WrittenObject {
  readonly id: string;
  /** Outputs in wire form. */
  readonly outputs: JsonObject;
  readonly failure?: NotReadyError;
}

/** The server refuses fields that a kind does not have, instead of dropping them. */
export const strict = { fieldValidation: "Strict" } as const;

/**
 * Name under which the fields of an object are owned: the annotation's, else the one in the state, which the official provider may
 * have chosen, else our own.
 */
export const fieldManagerOf = (inputs: JsonObject, stateManager = defaultFieldManager): string =>
  annotationOf(inputs, "patchFieldManager") ?? stateManager;

/** The kind of an object as the server serves it. */
export async function servedKind({ discovery }: Session, object: JsonObject): Promise<ServedKind> {
  const type = { apiVersion: textAt(object, "apiVersion") ?? "", kind: textAt(object, "kind") ?? "" };
  const kind = await discovery.find(type);
  if (kind?.isServed === true) return kind;
  throw new UnknownKindError(
    `The API server serves no ${type.kind} of ${type.apiVersion}. Create its CustomResourceDefinition first, or correct apiVersion and kind.`,
  );
}

export const namespaceOf = (object: JsonObject): string | undefined => textAt(object, "metadata", "namespace");

export const nameOf = (object: JsonObject): string => textAt(object, "metadata", "name") ?? "";

/** The body of a request: objects outside namespaces must not name one. */
export const bodyFor = (inputs: JsonObject, kind: ServedKind): JsonObject =>
  kind.isNamespaced ? inputs : withoutValue(inputs, ["metadata", "namespace"]);

/** What to do about the refusals that users meet most. */
function adviceFor({ statusCode, reason, message }: KubernetesApiError): string {
  if (statusCode !== 409) return "";
  if (reason !== "AlreadyExists") {
    return '\nAnother manager owns these fields. Leave them out (ignoreChanges), or take them over with the annotation pulumi.com/patchForce: "true".';
  }
  if (message.includes("object is being deleted")) {
    return "\nThe old one is not gone yet; run the update again. pulumi.com/skipAwait skips the wait for a deletion, too; pulumi.com/waitFor does not.";
  }
  return "\nIt is in the cluster but not in this stack's state. Delete it, choose another name, or take it over with the import option.";
}

/** Says what was tried, and what to do. */
export function explain(error: unknown, verb: string, inputs: JsonObject): unknown {
  if (!(error instanceof KubernetesApiError)) return error;
  const { statusCode, reason, subject } = error;
  const status = [statusCode, reason].filter(Boolean).join(" ");
  const message = `The API server refused to ${verb} ${describe(inputs)} (${status}): ${error.message}${adviceFor(error)}`;
  return new KubernetesApiError(statusCode, reason, message, subject);
}

/** Times that ownership is tried to move while somebody else writes the object. */
const maximumOwnershipAttempts = 5;

/**
 * Moves the fields of our own create, and of kubectl's edits, to our apply. Done right after a create, so that the dry run of a
 * later preview already sees it.
 */
export async function takeOwnership(
  { api }: Session,
  path: string,
  live: JsonObject,
  manager: string,
): Promise<JsonObject> {
  let current = live;
  for (let attempt = 1; ; attempt++) {
    const managedFields = adoptFields(current, manager);
    if (managedFields === undefined) return current;
    const patch = [
      { op: "replace", path: "/metadata/managedFields", value: managedFields },
      // A wrong version makes the server refuse: then somebody wrote meanwhile.
      { op: "replace", path: "/metadata/resourceVersion", value: textAt(current, "metadata", "resourceVersion") ?? "" },
    ];
    try {
      return await api({ method: "PATCH", path, body: patch, contentType: "application/json-patch+json" });
    } catch (error) {
      if (!hasStatus(error, 409) || attempt === maximumOwnershipAttempts) throw error;
      current = await api({ method: "GET", path });
    }
  }
}

/** An object that the server has accepted. */
export interface AcceptedObject {
  readonly path: string;
  /** The server's answer. */
  readonly live: JsonObject;
  /** Inputs in wire form. */
  readonly properties: JsonObject;
  /** Name under which its fields are owned. */
  readonly manager: string;
}

/** Waits for an object that was accepted. Never throws: see `failure` of the result. */
export async function settle(
  session: Session,
  { path, live, properties, manager }: AcceptedObject,
  options: OperationOptions,
): Promise<WrittenObject> {
  const inputs = toKubernetes(properties);
  const id = idOf(nameOf(live), namespaceOf(live));
  const outputs = (object: JsonObject): JsonObject => makeCheckpoint(inputs, object, properties, manager);
  const context = { ...options, api: session.api };
  try {
    const owned = await takeOwnership(session, path, live, manager);
    return { id, outputs: outputs(await untilReady(path, inputs, owned, options.timeoutSeconds, context)) };
  } catch (error) {
    // Whatever went wrong, the object exists: an error without its id would make the engine forget it.
    const cause = error instanceof Error ? error.message : String(error);
    const failure = error instanceof NotReadyError ? error : new NotReadyError(cause, live, []);
    return { id, outputs: outputs(failure.object), failure };
  }
}

/** Whether a value is an object with at least one key; an empty property bag means that nothing is known. */
export const hasContent = (value: JsonObject | undefined): value is JsonObject =>
  isObject(value) && Object.keys(value).length > 0;
