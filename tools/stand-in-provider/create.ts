/** Creating objects, for preview and for real. */
import { setTimeout as pause } from "node:timers/promises";
import { ruleFor } from "./await.ts";
import { makeCheckpoint } from "./checkpoint.ts";
import { isDefinition, objectPath, type ServedKind } from "./discovery.ts";
import { hasStatus, isMissingNamespace, UnknownKindError } from "./errors.ts";
import { type JsonObject, valueAt, withValue } from "./json.ts";
import {
  bodyFor,
  explain,
  fieldManagerOf,
  nameOf,
  namespaceOf,
  type OperationOptions,
  servedKind,
  settle,
  strict,
  type WrittenObject,
} from "./operation.ts";
import { containsUnknown, toKubernetes, unknownText } from "./property-values.ts";
import type { Session } from "./session.ts";

/** Pauses before a create is tried again because a namespace or a definition is not there yet. */
const retryPausesSeconds = [0.25, 0.5, 1, 2, 4, 8] as const;

/** Whether an error may go away because another resource of the same run is being created. */
const isEarly = (error: unknown): boolean => error instanceof UnknownKindError || hasStatus(error, 404);

async function post(
  session: Session,
  inputs: JsonObject,
  isPreview: boolean,
): Promise<{ readonly live: JsonObject; readonly kind: ServedKind }> {
  const kind = await servedKind(session, inputs);
  const live = await session.api({
    method: "POST",
    path: objectPath(kind, namespaceOf(inputs)),
    query: { fieldManager: fieldManagerOf(inputs), ...strict, ...(isPreview ? { dryRun: "All" } : {}) },
    body: bodyFor(inputs, kind),
  });
  return { live, kind };
}

async function postWithRetries(
  session: Session,
  inputs: JsonObject,
  options: OperationOptions,
): Promise<{ readonly live: JsonObject; readonly kind: ServedKind }> {
  for (const seconds of retryPausesSeconds) {
    try {
      return await post(session, inputs, false);
    } catch (error) {
      if (!isEarly(error) || options.signal.aborted) throw error;
      options.report(`Trying again: ${error instanceof Error ? error.message : String(error)}`);
      await pause(seconds * 1000, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
  return post(session, inputs, false);
}

/** Values of a dry run that a real run makes anew. */
function withoutInvented(live: JsonObject): JsonObject {
  const { status: _, ...rest } = live;
  return ["uid", "resourceVersion", "creationTimestamp"].reduce<JsonObject>(
    (object, key) =>
      valueAt(object, "metadata", key) === undefined ? object : withValue(object, ["metadata", key], unknownText),
    rest,
  );
}

/** Errors of a dry run that say nothing about the real run: something is to be made or replaced before this object's turn comes. */
const isInconclusive = (error: unknown): boolean =>
  error instanceof UnknownKindError ||
  isMissingNamespace(error) ||
  hasStatus(error, 403) ||
  hasStatus(error, 409) ||
  (hasStatus(error, 400) && error.message.includes("does not support dry run"));

/**
 * Previews a create by a dry run of the server, so that a mistake shows before anything is changed.
 *
 * @param properties inputs in wire form
 * @returns outputs in wire form; the inputs themselves where the server cannot know yet
 */
export async function previewCreate(session: Session, properties: JsonObject): Promise<JsonObject> {
  const inputs = toKubernetes(properties);
  if (containsUnknown(inputs)) return properties;
  ruleFor(inputs);
  try {
    const { live } = await post(session, inputs, true);
    return makeCheckpoint(inputs, withoutInvented(live), properties, fieldManagerOf(inputs));
  } catch (error) {
    if (isInconclusive(error)) return properties;
    throw explain(error, "create", inputs);
  }
}

/**
 * Creates an object by a plain POST, so that an existing one is an error, and waits until it is ready.
 *
 * @param properties inputs in wire form
 * @throws ProviderError when the server refuses
 */
export async function createObject(
  session: Session,
  properties: JsonObject,
  options: OperationOptions,
): Promise<WrittenObject> {
  const inputs = toKubernetes(properties);
  ruleFor(inputs);
  const { live, kind } = await postWithRetries(session, inputs, options).catch((error: unknown) => {
    throw explain(error, "create", inputs);
  });
  if (isDefinition(inputs)) session.discovery.forget();
  const path = objectPath(kind, namespaceOf(live), nameOf(live));
  return settle(session, { path, live, properties, manager: fieldManagerOf(inputs) }, options);
}
