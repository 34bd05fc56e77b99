/** Getting a Kubernetes provider into a PULUMI_HOME: the official one where the network allows it, else the stand-in. */
import { lookup } from "node:dns/promises";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { run } from "../processes.ts";
import { officialVersion, standInDescription } from "./official.ts";

/** Which provider a PULUMI_HOME holds. */
export type ProviderOrigin = "official" | "stand-in";

/** Where to put the stand-in, and what runs it. */
export interface InstallRequest {
  /** Must not be the user's own, so that the user's Pulumi never finds a stand-in. */
  readonly pulumiHome: string;
  /** The Node that runs the plugin; by default the one that runs this code. */
  readonly node?: string;
}

/** How to get a provider. */
export interface ProvideRequest extends InstallRequest {
  /** Path of the Pulumi CLI. */
  readonly pulumi: string;
  /** Whether the official provider may be downloaded. */
  readonly isDownloadAllowed?: boolean;
  /** Longest time that the download may take. */
  readonly downloadSeconds?: number;
  /** Told in one line what happens. */
  readonly progress?: (line: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
  /** Answers quickly whether a download can work at all; by default the name server is asked. */
  readonly canReachNetwork?: (environment: NodeJS.ProcessEnv) => Promise<boolean>;
}

const binaryName = "pulumi-resource-kubernetes";
const noteName = "STAND-IN.txt";
const defaultDownloadSeconds = 180;
const nameServerSeconds = 3;

/** Hosts that the CLI downloads the provider from. */
const downloadHosts = ["api.github.com", "get.pulumi.com"] as const;

/** Where Pulumi looks for the provider of one version. */
export const pluginFolder = (pulumiHome: string, version = officialVersion()): string =>
  join(pulumiHome, "plugins", `resource-kubernetes-v${version}`);

/** The CLI's mark of a download that has not finished. */
const partialMark = (folder: string): string => `${folder}.partial`;

/** The provider that is installed, or undefined. */
export function installedProvider(pulumiHome: string): ProviderOrigin | undefined {
  const folder = pluginFolder(pulumiHome);
  if (existsSync(partialMark(folder)) || !existsSync(join(folder, binaryName))) return undefined;
  return existsSync(join(folder, noteName)) ? "stand-in" : "official";
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The script that the engine starts. It hands itself over to Node, so that the engine's signals reach the plugin. */
export const launcherScript = (node: string, entry: string): string =>
  `#!/bin/sh\n# ${standInDescription}\nexec ${shellQuoted(node)} ${shellQuoted(entry)} "$@"\n`;

/** Writes a file in one step: an engine that starts meanwhile sees the old one or the new one. */
function replaceFile(path: string, text: string, mode: number): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

/**
 * Puts the stand-in into a PULUMI_HOME, under the name and version of the official provider. Doing it again updates the paths.
 *
 * @returns the plugin's folder
 */
export function installStandIn({ pulumiHome, node = process.execPath }: InstallRequest): string {
  const folder = pluginFolder(pulumiHome);
  mkdirSync(folder, { recursive: true });
  const entry = fileURLToPath(new URL("main.ts", import.meta.url));
  // The note first: a folder with the script but without the note would pass for the official provider.
  replaceFile(join(folder, noteName), `${standInDescription}\n`, 0o644);
  replaceFile(join(folder, binaryName), launcherScript(node, entry), 0o755);
  return folder;
}

/** A proxy resolves names itself, so with one the name server says nothing. */
const hasProxy = (environment: NodeJS.ProcessEnv): boolean =>
  ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].some((name) => Boolean(environment[name]));

/** Whether one of the hosts has an address. Without this question the CLI retries for a minute on a machine without a network. */
async function canResolveHosts(environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (hasProxy(environment)) return true;
  const limit = new AbortController();
  const asked = Promise.any(downloadHosts.map((host) => lookup(host))).then(
    () => true,
    () => false,
  );
  const late = pause(nameServerSeconds * 1000, false, { signal: limit.signal }).catch(() => false);
  return Promise.race([asked, late]).finally(() => limit.abort());
}

/** Lets the CLI download the official provider. Returns why not, or undefined when it is there. */
async function download(request: ProvideRequest): Promise<string | undefined> {
  const { pulumi, pulumiHome, environment = process.env, canReachNetwork = canResolveHosts } = request;
  if (request.isDownloadAllowed === false) return "downloads are switched off";
  if (!(await canReachNetwork(environment))) return `${downloadHosts.join(" and ")} have no address here`;
  const version = officialVersion();
  const seconds = request.downloadSeconds ?? defaultDownloadSeconds;
  request.progress?.(`Downloading the Kubernetes provider ${version} (at most ${seconds} s)`);
  const result = await run(pulumi, ["plugin", "install", "resource", "kubernetes", version], {
    environment: { ...environment, PULUMI_HOME: pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeoutMilliseconds: seconds * 1000,
  });
  if (installedProvider(pulumiHome) !== undefined) return undefined;
  return result.stderr.trim().split("\n").at(-1) || `no answer within ${seconds} s`;
}

/**
 * Makes sure that a PULUMI_HOME holds a Kubernetes provider. One that is already there is kept, and no network is asked; else the
 * official one is downloaded; else the stand-in is put in its place.
 *
 * @returns which provider is in use
 */
export async function providePulumiKubernetes(request: ProvideRequest): Promise<ProviderOrigin> {
  const { pulumiHome, progress = () => undefined } = request;
  const present = installedProvider(pulumiHome);
  if (present === "official") return present;
  mkdirSync(pulumiHome, { recursive: true });
  const trouble = present === undefined ? await download(request) : "it was used before";
  if (trouble === undefined) return "official";
  const folder = pluginFolder(pulumiHome);
  if (present === undefined) {
    // What a broken download left would hide the stand-in from the engine.
    rmSync(partialMark(folder), { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
  installStandIn(request);
  progress(`Using the stand-in for the Kubernetes provider: ${trouble}`);
  return "stand-in";
}
