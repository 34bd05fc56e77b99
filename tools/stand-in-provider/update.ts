/** Updating objects, for preview and for real. */
import { isAnnotated } from "./annotations.ts";
import { describe, ruleFor } from "./await.ts";
import { makeCheckpoint, withoutServerFields } from "./checkpoint.ts";
import { isDefinition, objectPath, type ServedKind } from "./discovery.ts";
import { hasStatus, ProviderError, UnknownKindError } from "./errors.ts";
import { type JsonObject, textAt, withValue } from "./json.ts";
import { isCreatedBy, withoutIgnored } from "./managed-fields.ts";
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
  takeOwnership,
  type WrittenObject,
} from "./operation.ts";
import { containsUnknown, toKubernetes } from "./property-values.ts";
import type { Session } from "./session.ts";
import { idOf } from "./tokens.ts";

/** What an update has to know of the past. */
export interface UpdateRequest {
  /** New inputs in wire form. */
  readonly properties: JsonObject;
  readonly ignoredChanges: readonly string[];
  /** Owner of the object's fields according to the state. */
  readonly stateManager: string;
}

/** Definitions are replaced as a whole: applying would leave behind versions and schemas that the program dropped. */
function replaceDefinition(
  { api }: Session,
  path: string,
  live: JsonObject,
  inputs: JsonObject,
  query: Readonly<Record<string, string>>,
): Promise<JsonObject> {
  const body = withValue(inputs, ["metadata", "resourceVersion"], textAt(live, "metadata", "resourceVersion") ?? "");
  return api({ method: "PUT", path, query, body });
}

async function apply(
  session: Session,
  path: string,
  kind: ServedKind,
  { properties, ignoredChanges, stateManager }: UpdateRequest,
  isPreview: boolean,
): Promise<JsonObject> {
  const inputs = withoutServerFields(toKubernetes(properties));
  const manager = fieldManagerOf(inputs, stateManager);
  const query = { fieldManager: manager, ...strict, ...(isPreview ? { dryRun: "All" } : {}) };
  const found = await session.api({ method: "GET", path });
  if (isDefinition(inputs)) return replaceDefinition(session, path, found, inputs, query);
  const live = isPreview ? found : await takeOwnership(session, path, found, manager);
  // A dry run must not move ownership, so it may ignore a conflict with our own create; a real apply may not.
  const isForced = isAnnotated(inputs, "patchForce") || (isPreview && isCreatedBy(live, manager));
  return session.api({
    method: "PATCH",
    path,
    query: { ...query, force: String(isForced) },
    body: withoutIgnored(bodyFor(inputs, kind), live, ignoredChanges, manager),
    // JSON is YAML.
    contentType: "application/apply-patch+yaml",
  });
}

/**
 * Updates an object by server-side apply, and waits until it is ready.
 *
 * @throws ProviderError when the object is gone or the server refuses
 */
export async function updateObject(
  session: Session,
  request: UpdateRequest,
  options: OperationOptions,
): Promise<WrittenObject> {
  const inputs = toKubernetes(request.properties);
  const id = idOf(nameOf(inputs), namespaceOf(inputs));
  if (options.isPreview && containsUnknown(inputs)) return { id, outputs: request.properties };
  ruleFor(inputs);
  const { properties, stateManager } = request;
  const manager = fieldManagerOf(inputs, stateManager);
  try {
    const kind = await servedKind(session, inputs);
    const path = objectPath(kind, namespaceOf(inputs), nameOf(inputs));
    const live = await apply(session, path, kind, request, options.isPreview);
    if (isDefinition(inputs)) session.discovery.forget();
    if (!options.isPreview) return await settle(session, { path, live, properties, manager }, options);
    return { id, outputs: makeCheckpoint(inputs, live, properties, manager) };
  } catch (error) {
    if (options.isPreview && (error instanceof UnknownKindError || hasStatus(error, 403)))
      return { id, outputs: request.properties };
    if (hasStatus(error, 404)) {
      throw new ProviderError(
        `${describe(inputs)} is in this stack's state but not in the cluster any more. Run pulumi refresh, then update again.`,
      );
    }
    throw explain(error, "update", inputs);
  }
}
