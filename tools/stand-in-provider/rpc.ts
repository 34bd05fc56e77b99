/** Between the engine's messages and plain values. */
import { type handleUnaryCall, Metadata, status } from "@grpc/grpc-js";
import providerMessages from "@pulumi/pulumi/proto/provider_pb.js";
import statusMessages from "@pulumi/pulumi/proto/status_pb.js";
import anyMessages from "google-protobuf/google/protobuf/any_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { ProviderError } from "./errors.ts";
import { type JsonObject, mapObject } from "./json.ts";

/** A property bag of a message; empty when the message has none. */
export function toJson(struct: structMessages.Struct | undefined): JsonObject {
  // A Struct holds JSON by definition.
  return struct === undefined ? {} : (struct.toJavaScript() as JsonObject);
}

/** A property bag for a message. */
export const toStruct = (object: JsonObject): structMessages.Struct =>
  // The copy drops readonly, which the library's type does not know.
  structMessages.Struct.fromJavaScript(
    mapObject(object, (value) => value) as Parameters<typeof structMessages.Struct.fromJavaScript>[0],
  );

/** An object that was written or read, but is not ready. The engine keeps it in the state, marked as such. */
export class PartialFailure extends Error {
  readonly id: string;
  readonly outputs: JsonObject;
  /** Set by a read, whose inputs may differ from the old ones. */
  readonly inputs: JsonObject | undefined;
  readonly reasons: readonly string[];

  constructor(
    message: string,
    partial: {
      readonly id: string;
      readonly outputs: JsonObject;
      readonly inputs?: JsonObject;
      readonly reasons: readonly string[];
    },
  ) {
    super(message);
    this.id = partial.id;
    this.outputs = partial.outputs;
    this.inputs = partial.inputs;
    this.reasons = partial.reasons;
  }
}

/** The error of a partial failure: its details carry the object. */
function partialStatus(failure: PartialFailure): { code: status; details: string; metadata: Metadata } {
  const detail = new providerMessages.ErrorResourceInitFailed();
  detail.setId(failure.id);
  detail.setProperties(toStruct(failure.outputs));
  detail.setReasonsList([...failure.reasons]);
  if (failure.inputs !== undefined) detail.setInputs(toStruct(failure.inputs));
  const packed = new anyMessages.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const message = new statusMessages.Status();
  message.setCode(status.UNKNOWN);
  message.setMessage(failure.message);
  message.addDetails(packed);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(message.serializeBinary()));
  return { code: status.UNKNOWN, details: failure.message, metadata };
}

/** The error of anything else. A mistake of ours keeps its stack, for it is to be reported. */
function plainStatus(error: unknown): { code: status; details: string } {
  if (error instanceof ProviderError) return { code: status.UNKNOWN, details: error.message };
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: status.INTERNAL, details: `Unexpected error in the stand-in for the Kubernetes provider: ${details}` };
}

/** Makes a handler of a function. */
export const answer =
  <Request, Response>(work: (request: Request) => Promise<Response> | Response): handleUnaryCall<Request, Response> =>
  (call, callback) => {
    Promise.resolve()
      .then(() => work(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(error instanceof PartialFailure ? partialStatus(error) : plainStatus(error)),
      );
  };

/** Makes a handler that refuses: the engine falls back where it can. */
export const refuse =
  (details: string): handleUnaryCall<unknown, never> =>
  (_, callback) =>
    callback({ code: status.UNIMPLEMENTED, details });
