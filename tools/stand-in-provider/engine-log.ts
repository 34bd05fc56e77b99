/** Lines that the engine shows beside a resource. */
import { credentials } from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";

/** Talks to the engine that started this plugin. */
export interface EngineLog {
  /** Shows a line while an operation runs; an empty one clears it. */
  status(urn: string, message: string): void;
  /** Adds a line to the run's diagnostics. */
  note(message: string): void;
}

/** Makes the log. Its lines are a courtesy: an engine that does not take them changes nothing. */
export function connectEngineLog(address: string | undefined): EngineLog {
  if (!address) return { status: () => undefined, note: () => undefined };
  const engine = new engineService.EngineClient(address, credentials.createInsecure());
  const send = (urn: string, message: string, isEphemeral: boolean): void => {
    const request = new engineMessages.LogRequest();
    request.setSeverity(engineMessages.LogSeverity.INFO);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(isEphemeral);
    engine.log(request, () => undefined);
  };
  return { status: (urn, message) => send(urn, message, true), note: (message) => send("", message, false) };
}
