/** JSON over HTTP to one API server. Objects go and come as they are, so no field that a library does not know gets lost. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { text as readAll } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { KubernetesApiError, ProviderError } from "./errors.ts";
import { isObject, type Json, type JsonObject, textAt } from "./json.ts";
import type { ClusterTarget } from "./kubeconfig.ts";

/** One request. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Type of the body; JSON unless said otherwise. */
  readonly contentType?: string;
}

/** Sends requests to one API server. */
export type ApiClient = (request: ApiRequest) => Promise<JsonObject>;

const requestTimeoutMilliseconds = 60_000;
/** Times a request is sent when the server says it has too much to do. */
const maximumAttempts = 5;

/** Reads an answer's body. */
function parseBody(text: string): Json {
  if (text === "") return {};
  try {
    // The server's answer is JSON by contract; anything else is kept as text for the message.
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** The error behind an answer with an error status. */
export function apiErrorOf(statusCode: number, body: Json): KubernetesApiError {
  const message = textAt(body, "message") ?? (typeof body === "string" ? body.trim() : `HTTP status ${statusCode}`);
  return new KubernetesApiError(statusCode, textAt(body, "reason") ?? "", message, textAt(body, "details", "kind"));
}

/** Sends one request and waits for the answer's head. */
function send(options: RequestOptions, isSecure: boolean, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = (isSecure ? httpsRequest : httpRequest)(options, resolve);
    outgoing.on("error", reject);
    outgoing.on("timeout", () =>
      outgoing.destroy(new Error(`no answer within ${requestTimeoutMilliseconds / 1000} s`)),
    );
    outgoing.end(body);
  });
}

function agentFor(target: ClusterTarget): HttpAgent {
  if (target.server.protocol === "http:") return new HttpAgent({ keepAlive: true });
  return new HttpsAgent({
    keepAlive: true,
    ...(target.certificateAuthority === undefined ? {} : { ca: target.certificateAuthority }),
    ...(target.clientCertificate === undefined ? {} : { cert: target.clientCertificate }),
    ...(target.clientKey === undefined ? {} : { key: target.clientKey }),
  });
}

/** The options of Node's request for one of ours. */
function optionsOf(
  target: ClusterTarget,
  agent: HttpAgent,
  request: ApiRequest,
  payload: string | undefined,
): RequestOptions {
  const url = new URL(request.path, target.server);
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  const contentType = request.contentType ?? "application/json";
  return {
    agent,
    method: request.method,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    timeout: requestTimeoutMilliseconds,
    headers: {
      accept: "application/json",
      "user-agent": "ascend-stacks-stand-in-provider",
      ...(payload === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(payload) }),
      ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
    },
  };
}

/**
 * Makes a client for one API server.
 *
 * @throws KubernetesApiError (from the client) when the server answers with an error status
 * @throws ProviderError (from the client) when the server cannot be reached
 */
export function connect(target: ClusterTarget): ApiClient {
  const agent = agentFor(target);
  const isSecure = target.server.protocol === "https:";

  async function sendOnce(request: ApiRequest): Promise<{ statusCode: number; body: Json; retrySeconds: number }> {
    const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
    try {
      const response = await send(optionsOf(target, agent, request, payload), isSecure, payload);
      const body = parseBody(await readAll(response));
      return { statusCode: response.statusCode ?? 0, body, retrySeconds: Number(response.headers["retry-after"] ?? 1) };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw new ProviderError(`The API server at ${target.server.origin} cannot be reached: ${cause}`);
    }
  }

  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const { statusCode, body, retrySeconds } = await sendOnce(request);
      if (statusCode === 429 && attempt < maximumAttempts) {
        await pause(retrySeconds * 1000);
        continue;
      }
      if (statusCode >= 400) throw apiErrorOf(statusCode, body);
      return isObject(body) ? body : {};
    }
  };
}
