/** Official releases: downloaded with resumption, checked against the published checksum, unpacked. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from "node:fs";
import * as http from "node:http";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Why a download did not work; the message is one line for users. */
export class DownloadError extends Error {}

/** Limits of a download. */
export interface DownloadLimits {
  /** Until the server has answered. */
  readonly connectMilliseconds: number;
  /** Longest silence in the middle of an answer, after which the connection counts as broken. */
  readonly idleMilliseconds: number;
  /** Attempts to go on after a connection broke off. */
  readonly attempts: number;
}

const defaultLimits: DownloadLimits = { connectMilliseconds: 4000, idleMilliseconds: 30_000, attempts: 3 };

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: DownloadLimits,
  stop: AbortSignal,
): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer within ${limits.connectMilliseconds} ms`)),
    limits.connectMilliseconds,
  );
  try {
    return await fetch(url, { headers, signal: AbortSignal.any([abort.signal, stop]) });
  } catch (error) {
    throw new DownloadError(`${url}: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** One attempt: goes on where the partial file ends, if the server can. Returns false when the connection broke off. */
async function attempt(url: string, partial: string, limits: DownloadLimits): Promise<boolean> {
  const have = sizeOf(partial);
  const stop = new AbortController();
  const response = await request(url, have > 0 ? { range: `bytes=${have}-` } : {}, limits, stop.signal);
  if (response.status === 416) {
    // Nothing is left to send, or the file has changed: the checksum tells which.
    await response.body?.cancel();
    return true;
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DownloadError(`${url}: the server answered ${response.status}`);
  }
  const isContinued = response.status === 206;
  const expected = Number(response.headers.get("content-length") ?? Number.NaN) + (isContinued ? have : 0);
  const silence = setTimeout(() => stop.abort(), limits.idleMilliseconds);
  try {
    // The web stream of fetch and the one of Node are the same thing under two type names.
    await pipeline(
      Readable.fromWeb(response.body as import("node:stream/web").ReadableStream),
      async function* watch(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          silence.refresh();
          yield chunk;
        }
      },
      createWriteStream(partial, { flags: isContinued ? "a" : "w" }),
    );
  } catch {
    return false;
  } finally {
    clearTimeout(silence);
  }
  return Number.isNaN(expected) || sizeOf(partial) === expected;
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** The sum of a file in a checksum text: the text itself, or the line that names the file. */
export function checksumIn(text: string, fileName: string): string | undefined {
  const sum = /\b[0-9a-f]{64}\b/;
  const lines = text.trim().split("\n");
  const line =
    lines.find((candidate) => candidate.split(/[\s*/]+/).at(-1) === fileName) ??
    (lines.length === 1 ? lines[0] : undefined);
  return line === undefined ? undefined : sum.exec(line.toLowerCase())?.[0];
}

async function publishedSum(checksumUrl: string, fileName: string, limits: DownloadLimits): Promise<string> {
  const response = await request(checksumUrl, {}, limits, AbortSignal.timeout(limits.idleMilliseconds));
  if (!response.ok) {
    await response.body?.cancel();
    throw new DownloadError(`${checksumUrl}: the server answered ${response.status}`);
  }
  const text = await response.text().catch((error: unknown) => {
    throw new DownloadError(`${checksumUrl}: ${reasonOf(error)}`);
  });
  const sum = checksumIn(text, fileName);
  if (sum === undefined) throw new DownloadError(`${checksumUrl}: holds no checksum of ${fileName}`);
  return sum;
}

async function downloadDirectly(
  url: string,
  checksumUrl: string,
  target: string,
  limits: DownloadLimits,
): Promise<void> {
  const wanted = await publishedSum(checksumUrl, basename(new URL(url).pathname), limits);
  if (sizeOf(target) > 0 && (await sha256Of(target)) === wanted) return;
  const partial = `${target}.part`;
  let isWhole = false;
  for (let count = 0; count < limits.attempts && !isWhole; count += 1) isWhole = await attempt(url, partial, limits);
  if (!isWhole)
    throw new DownloadError(`${url}: the connection broke off ${limits.attempts} times; the part so far is kept`);
  const got = await sha256Of(partial);
  if (got !== wanted) {
    rmSync(partial, { force: true });
    throw new DownloadError(`${url}: the checksum is ${got}, published is ${wanted}; the file was thrown away`);
  }
  renameSync(partial, target);
}

/**
 * Downloads a file and verifies it, through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`).
 *
 * @param target path of the finished file; a cut-off download stays beside it as `.part` and is continued next time. A file that is
 *   there already with the published checksum is left as it is
 * @throws DownloadError when the server cannot be reached, refuses, or sends something else than the checksum says
 */
export async function download(
  url: string,
  checksumUrl: string,
  target: string,
  limits: DownloadLimits = defaultLimits,
): Promise<void> {
  // For the time of the download only: the API server of a virtual cluster, used by the same process, is never behind a proxy.
  // Node 24 has the function since one of its minor releases.
  const stopProxy = "setGlobalProxyFromEnv" in http ? http.setGlobalProxyFromEnv() : () => undefined;
  try {
    await downloadDirectly(url, checksumUrl, target, limits);
  } finally {
    stopProxy();
  }
}
