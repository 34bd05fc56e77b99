/**
 * What the engine keeps of an object: the live object, with the inputs and two facts beside it. The keys are the official
 * provider's, so that one state serves both.
 */
import { isObject, type JsonObject, objectAt, textAt, withoutValue } from "./json.ts";
import { fromKubernetes, markSecrets, toKubernetes } from "./property-values.ts";

/** Name under which this provider owns fields of objects. */
export const defaultFieldManager = "pulumi-kubernetes";

/** A checkpoint read back. */
export interface Checkpoint {
  readonly inputs: JsonObject;
  readonly live: JsonObject;
  readonly fieldManager: string;
}

/**
 * Makes the outputs of a resource.
 *
 * @param inputs what was asked for, plain
 * @param live what the server answered
 * @param wireInputs the inputs in wire form, which say what is secret
 */
export function makeCheckpoint(
  inputs: JsonObject,
  live: JsonObject,
  wireInputs: JsonObject,
  fieldManager: string,
): JsonObject {
  return {
    ...markSecrets(fromKubernetes(live), wireInputs),
    __inputs: markSecrets(fromKubernetes(inputs), wireInputs),
    __initialApiVersion: textAt(inputs, "apiVersion") ?? "",
    __fieldManager: fieldManager,
  };
}

/** Reads the outputs of a resource back. */
export function readCheckpoint(state: JsonObject): Checkpoint {
  const { __inputs: inputs, __initialApiVersion: _, __fieldManager: fieldManager, ...live } = toKubernetes(state);
  return {
    inputs: isObject(inputs) ? inputs : {},
    live,
    fieldManager: typeof fieldManager === "string" ? fieldManager : defaultFieldManager,
  };
}

/** Metadata that only the server writes. */
const serverMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
] as const;

/** The object without what only the server writes: fit to be compared or sent. */
export function withoutServerFields(object: JsonObject): JsonObject {
  const metadata = serverMetadata.reduce((rest, key) => withoutValue(rest, [key]), objectAt(object, "metadata"));
  return "metadata" in object ? { ...object, metadata } : object;
}

/** Inputs for an object that was found in the cluster and not made by a program, as an import needs them. */
export function inputsOfLive(live: JsonObject): JsonObject {
  const { status: _, ...rest } = withoutServerFields(live);
  const annotations = ["deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"];
  return annotations.reduce(
    (object, name) => withoutValue(object, ["metadata", "annotations", name]),
    rest as JsonObject,
  );
}
