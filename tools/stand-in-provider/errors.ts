/** Errors that reach the user as one message, without a stack. */
import type { JsonObject } from "./json.ts";

/** Something the user or the cluster has to put right; the message says what and how. */
export class ProviderError extends Error {}

/** The API server answered with an error status. */
export class KubernetesApiError extends ProviderError {
  /** HTTP status, e.g. 404. */
  readonly statusCode: number;
  /** Kubernetes' reason in one word, e.g. `AlreadyExists`. */
  readonly reason: string;
  /** Plural kind that the error is about, e.g. `namespaces`. */
  readonly subject: string | undefined;

  constructor(statusCode: number, reason: string, message: string, subject?: string) {
    super(message);
    this.statusCode = statusCode;
    this.reason = reason;
    this.subject = subject;
  }
}

/** The API server serves no such kind; usually its definition is missing. */
export class UnknownKindError extends ProviderError {}

/**
 * The object is in the cluster, but did not become ready. The engine keeps such an object in the state, so that the next run
 * continues with it instead of losing it.
 */
export class NotReadyError extends ProviderError {
  /** The object as last seen. */
  readonly object: JsonObject;
  /** One line per cause, the first of which is the message. */
  readonly reasons: readonly string[];

  constructor(message: string, object: JsonObject, causes: readonly string[]) {
    super(message);
    this.object = object;
    this.reasons = [message, ...causes.filter((cause) => cause !== "")];
  }
}

/** Whether an error is an answer of the API server with this HTTP status. */
export const hasStatus = (error: unknown, statusCode: number): error is KubernetesApiError =>
  error instanceof KubernetesApiError && error.statusCode === statusCode;

/** Whether an error says that the namespace of an object does not exist (yet). */
export const isMissingNamespace = (error: unknown): boolean => hasStatus(error, 404) && error.subject === "namespaces";
