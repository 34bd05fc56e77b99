/**
 * Reading the kubeconfig of a virtual cluster. Own code instead of a client library, because the guard lets only one kind of file
 * pass (a loopback server, embedded or referenced certificates, or a token), and loading a library costs 0.4 s at each start of the
 * plugin, which is twice per `pulumi up`.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { ProviderError } from "./errors.ts";
import { isObject, type Json, type JsonObject, listAt, objectAt, textAt, valueAt } from "./json.ts";

/** Where a cluster is and how to be let in. */
export interface ClusterTarget {
  readonly server: URL;
  /** PEM texts; undefined where the file has none. */
  readonly certificateAuthority: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  /** Bearer token. */
  readonly token: string | undefined;
  /** Namespace of the context; undefined when it names none. */
  readonly namespace: string | undefined;
  /** Extensions of the cluster entry by name; the virtual cluster leaves its identity there. */
  readonly extensions: JsonObject;
  /** Where the kubeconfig came from, for messages. */
  readonly source: string;
}

/** Which kubeconfig to read. */
export interface KubeconfigChoice {
  /** Path or content; undefined means `KUBECONFIG`, then `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** Name of the context; undefined means the file's current one. */
  readonly context: string | undefined;
}

/** Whether a setting is the content of a kubeconfig and not a path. */
const isContent = (text: string): boolean => text.includes("\n") || text.trimStart().startsWith("{");

function readText(
  { kubeconfig }: KubeconfigChoice,
  environment: NodeJS.ProcessEnv,
): { text: string; folder: string; source: string } {
  if (kubeconfig !== undefined && isContent(kubeconfig)) {
    return { text: kubeconfig, folder: process.cwd(), source: "provider setting kubeconfig" };
  }
  const path = kubeconfig ?? environment.KUBECONFIG ?? join(homedir(), ".kube", "config");
  if (path.includes(":")) {
    throw new ProviderError(
      `Kubeconfig "${path}" names several files; this plugin reads one. Set KUBECONFIG to the virtual cluster's file.`,
    );
  }
  if (!existsSync(path)) {
    throw new ProviderError(
      `No kubeconfig at ${path}. Set KUBECONFIG, or kubernetes:kubeconfig in the stack, to the virtual cluster's file.`,
    );
  }
  return { text: readFileSync(path, "utf8"), folder: dirname(resolve(path)), source: path };
}

/** An entry of one of the named lists of a kubeconfig. */
function entryOf(config: Json, list: string, field: string, name: string, source: string): JsonObject {
  const entry = listAt(config, list).find((candidate) => textAt(candidate, "name") === name);
  if (entry === undefined) throw new ProviderError(`Kubeconfig ${source}: no entry "${name}" in ${list}.`);
  return objectAt(entry, field);
}

/** A PEM text that is embedded as base64 or lies in a file beside the kubeconfig. */
function pem(entry: JsonObject, field: string, folder: string): string | undefined {
  const data = textAt(entry, `${field}-data`);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  const path = textAt(entry, field);
  return path === undefined ? undefined : readFileSync(resolve(folder, path), "utf8");
}

function parseText(text: string, source: string): Json {
  try {
    // yaml gives plain JSON values for the JSON schema that kubeconfigs are written in.
    return (parse(text) ?? {}) as Json;
  } catch (error) {
    throw new ProviderError(
      `Kubeconfig ${source} is no YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The server of a cluster entry. */
function serverOf(cluster: JsonObject, source: string): URL {
  const server = textAt(cluster, "server") ?? "";
  if (!URL.canParse(server)) throw new ProviderError(`Kubeconfig ${source}: server "${server}" is no URL.`);
  return new URL(server);
}

/**
 * Reads a kubeconfig.
 *
 * @throws ProviderError when there is none, it is malformed, or the context is missing
 */
export function readKubeconfig(choice: KubeconfigChoice, environment: NodeJS.ProcessEnv): ClusterTarget {
  const { text, folder, source } = readText(choice, environment);
  const config = parseText(text, source);
  const contextName = choice.context ?? textAt(config, "current-context");
  if (!isObject(config) || !contextName) {
    throw new ProviderError(`Kubeconfig ${source} has no current context. Set it, or kubernetes:context in the stack.`);
  }
  const context = entryOf(config, "contexts", "context", contextName, source);
  const cluster = entryOf(config, "clusters", "cluster", textAt(context, "cluster") ?? "", source);
  const user = entryOf(config, "users", "user", textAt(context, "user") ?? "", source);
  const extensions = listAt(cluster, "extensions").map(
    (item) => [textAt(item, "name") ?? "", valueAt(item, "extension") ?? null] as const,
  );
  return {
    server: serverOf(cluster, source),
    certificateAuthority: pem(cluster, "certificate-authority", folder),
    clientCertificate: pem(user, "client-certificate", folder),
    clientKey: pem(user, "client-key", folder),
    token: textAt(user, "token"),
    namespace: textAt(context, "namespace"),
    extensions: Object.fromEntries(extensions),
    source,
  };
}
