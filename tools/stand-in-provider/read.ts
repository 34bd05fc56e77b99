/** Reading objects: for refresh, import and `.get()`. */
import { describe, judge, ruleFor } from "./await.ts";
import { inputsOfLive, makeCheckpoint, readCheckpoint } from "./checkpoint.ts";
import type { Path } from "./diff.ts";
import { objectPath } from "./discovery.ts";
import { hasStatus, NotReadyError, UnknownKindError } from "./errors.ts";
import { isList, isObject, type Json, type JsonObject, mapObject, objectAt, valueAt } from "./json.ts";
import { hasContent, servedKind } from "./operation.ts";
import { fromKubernetes, markSecrets, toKubernetes } from "./property-values.ts";
import { isQuantityPath, isSameQuantity } from "./quantities.ts";
import type { Session } from "./session.ts";
import { type ObjectType, parseId } from "./tokens.ts";

/** What Read is told. */
export interface ReadRequest {
  readonly id: string;
  readonly type: ObjectType;
  /** Outputs and inputs of the last update in wire form; empty for an import. */
  readonly state: JsonObject;
  readonly inputs: JsonObject;
}

/** An object that was found. */
export interface FoundObject {
  /** Both in wire form. */
  readonly outputs: JsonObject;
  readonly inputs: JsonObject;
  readonly failure?: NotReadyError;
}

/**
 * The live values of whatever the inputs named, so that a refresh shows drift but not the server's defaults. A value that only
 * looks different (`1` for `1000m`) stays as the user wrote it. Items that somebody added to a list are kept: they are drift.
 */
export function prune(live: Json, inputs: Json, path: Path = []): Json {
  if (isObject(live) && isObject(inputs)) {
    return mapObject(inputs, (input, key) =>
      Object.hasOwn(live, key) ? prune(live[key] ?? null, input, [...path, key]) : undefined,
    );
  }
  if (isList(live) && isList(inputs)) {
    return live.map((item, index) =>
      index < inputs.length ? prune(item, inputs[index] ?? null, [...path, index]) : item,
    );
  }
  return isQuantityPath(path) && isSameQuantity(live, inputs) ? inputs : live;
}

/** The server turns a Secret's `stringData` into `data`; as long as the texts are the same, the inputs keep their form. */
function withTexts(pruned: JsonObject, inputs: JsonObject, live: JsonObject): JsonObject {
  const texts = mapObject(objectAt(inputs, "stringData"), (_, key) => {
    const encoded = valueAt(live, "data", key);
    return typeof encoded === "string" ? Buffer.from(encoded, "base64").toString("utf8") : undefined;
  });
  return Object.keys(texts).length === 0 ? pruned : { ...pruned, stringData: texts };
}

function inputsFrom(live: JsonObject, olds: JsonObject): JsonObject {
  // Without metadata nobody has made this object from a program: an import, or `.get()`.
  if (!("metadata" in olds)) return inputsOfLive(live);
  const pruned = prune(live, olds);
  return isObject(pruned) ? withTexts(pruned, olds, live) : olds;
}

async function failureOf(session: Session, live: JsonObject, olds: JsonObject): Promise<NotReadyError | undefined> {
  const rule = "metadata" in olds ? ruleFor(olds) : undefined;
  if (rule?.isCheckedOnRead !== true) return undefined;
  const verdict = await judge(live, rule, session.api);
  return verdict.state === "ready"
    ? undefined
    : new NotReadyError(`${describe(live)} is not ready.`, live, [verdict.message]);
}

/**
 * Reads an object.
 *
 * @returns undefined when it is gone, or its kind is
 * @throws ProviderError when the server refuses
 */
export async function readObject(session: Session, request: ReadRequest): Promise<FoundObject | undefined> {
  const checkpoint = readCheckpoint(request.state);
  const olds = hasContent(request.inputs) ? toKubernetes(request.inputs) : checkpoint.inputs;
  const { name, namespace } = parseId(request.id);
  try {
    const kind = await servedKind(session, { ...request.type, ...checkpoint.live, ...olds });
    const live = await session.api({
      method: "GET",
      path: objectPath(kind, namespace ?? session.defaultNamespace, name),
    });
    const inputs = inputsFrom(live, olds);
    const failure = await failureOf(session, live, olds);
    return {
      outputs: makeCheckpoint(inputs, live, request.inputs, checkpoint.fieldManager),
      inputs: markSecrets(fromKubernetes(inputs), request.inputs),
      ...(failure === undefined ? {} : { failure }),
    };
  } catch (error) {
    if (error instanceof UnknownKindError || hasStatus(error, 404)) return undefined;
    throw error;
  }
}
