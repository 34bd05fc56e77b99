/** Official releases: downloaded with resumption, checked against the published checksum, unpacked. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Why a download did not work; the message is one line for users. */
export class DownloadError extends Error {}

/** Limits of a download. */
export interface DownloadLimits {
  /** Until the server has answered. */
  readonly connectMilliseconds: number;
  /** Attempts to go on after a connection broke off. */
  readonly attempts: number;
}

const defaultLimits: DownloadLimits = { connectMilliseconds: 4000, attempts: 3 };

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: DownloadLimits,
): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer within ${limits.connectMilliseconds} ms`)),
    limits.connectMilliseconds,
  );
  try {
    return await fetch(url, { headers, signal: abort.signal });
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
  const response = await request(url, have > 0 ? { range: `bytes=${have}-` } : {}, limits);
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
  try {
    // The web stream of fetch and the one of Node are the same thing under two type names.
    await pipeline(
      Readable.fromWeb(response.body as import("node:stream/web").ReadableStream),
      createWriteStream(partial, { flags: isContinued ? "a" : "w" }),
    );
  } catch {
    return false;
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

/**
 * Downloads a file and verifies it.
 *
 * @param target path of the finished file; a cut-off download stays beside it as `.part` and is continued next time
 * @throws DownloadError when the server cannot be reached, refuses, or sends something else than the checksum says
 */
export async function download(
  url: string,
  checksumUrl: string,
  target: string,
  limits: DownloadLimits = defaultLimits,
): Promise<void> {
  const checksums = await request(checksumUrl, {}, limits);
  if (!checksums.ok) throw new DownloadError(`${checksumUrl}: the server answered ${checksums.status}`);
  const wanted = checksumIn(await checksums.text(), basename(new URL(url).pathname));
  if (wanted === undefined)
    throw new DownloadError(`${checksumUrl}: holds no checksum of ${basename(new URL(url).pathname)}`);
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
