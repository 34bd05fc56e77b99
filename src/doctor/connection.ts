/** The one door to the cluster: requests with the credentials of the current kubeconfig, answers as plain data. */
import { type Configuration, HttpMethod, KubeConfig } from "@kubernetes/client-node";
import type { Data } from "../workloads/rules/pod-templates.ts";
import { textAt } from "./pod-demand.ts";

/** The cluster could not be asked at all. The message needs no stack trace. */
export class UnreachableError extends Error {}

/** What the API server answered, refusals included. */
export interface Answer {
  readonly status: number;
  readonly body: Data;
  /** Its `Warning` headers. */
  readonly warnings: readonly string[];
}

/** A request. Only two kinds are ever sent: reads, and creations that the server is asked not to keep. */
export interface Question {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Only names, labels and states rather than whole objects: secrets come without values. */
  readonly metadataOnly?: boolean;
  /** Object to create; kept by the server only if it is a review, which it never keeps. */
  readonly create?: unknown;
}

/** A cluster that answers. */
export interface Connection {
  readonly server: string;
  /** @throws UnreachableError when no answer comes, or the credentials are refused */
  readonly ask: (question: Question) => Promise<Answer>;
}

const answerSeconds = 30;
const unauthorized = 401;

/** Warnings come as `299 - "text"`, several in one header separated by commas. */
export const warningTexts = (header: string | undefined): readonly string[] =>
  [...(header ?? "").matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? "").replaceAll(/\\(.)/g, "$1"),
  );

/** The library builds clients around this; here only the configuration is wanted. */
class Door {
  readonly configuration: Configuration;
  constructor(configuration: Configuration) {
    this.configuration = configuration;
  }
}

const parsed = (text: string): Data => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Data) : {};
  } catch {
    return { message: text.slice(0, 300) };
  }
};

const causeText = (error: unknown): string =>
  error instanceof Error
    ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ""}`
    : String(error);

async function send({ configuration }: Door, question: Question): Promise<Answer> {
  const method = question.create === undefined ? HttpMethod.GET : HttpMethod.POST;
  const request = configuration.baseServer.makeRequestContext(question.path, method);
  const shape = question.metadataOnly === true ? ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1" : "";
  request.setHeaderParam("Accept", `application/json${shape}`);
  for (const [name, value] of Object.entries(question.query ?? {})) request.setQueryParam(name, value);
  if (question.create !== undefined) {
    request.setHeaderParam("Content-Type", "application/json");
    request.setBody(JSON.stringify(question.create));
  }
  request.setSignal(AbortSignal.timeout(answerSeconds * 1000));
  await configuration.authMethods.default?.applySecurityAuthentication(request);
  const response = await configuration.httpApi.send(request).toPromise();
  return {
    status: response.httpStatusCode,
    body: parsed(await response.body.text()),
    warnings: warningTexts(response.headers.warning),
  };
}

/**
 * Connects to the cluster of the current kubeconfig.
 *
 * @throws UnreachableError when there is no usable kubeconfig
 */
export function connect(): Connection {
  const kubeconfig = new KubeConfig();
  const unreachable = (text: string): UnreachableError =>
    new UnreachableError(
      `the cluster ${kubeconfig.getCurrentCluster()?.server ?? "(none configured)"} cannot be asked: ${text}; set KUBECONFIG to the cluster of this stack`,
    );
  try {
    kubeconfig.loadFromDefault();
    const door = kubeconfig.makeApiClient(Door);
    const server = kubeconfig.getCurrentCluster()?.server ?? "";
    const ask = async (question: Question): Promise<Answer> => {
      const answer = await send(door, question).catch((error: unknown) => {
        throw unreachable(causeText(error));
      });
      if (answer.status === unauthorized)
        throw unreachable(`it refuses the credentials (${textAt(answer.body, "message") || "Unauthorized"})`);
      return answer;
    };
    return { server, ask };
  } catch (error) {
    throw unreachable(causeText(error));
  }
}
