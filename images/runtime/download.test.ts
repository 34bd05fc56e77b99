import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { at, type Ended, launch, output, run, runtime, start, useRuntime } from "./harness.ts";

/** The download command against a real HTTP server on this machine that can cut off, refuse, redirect and change files. */

useRuntime();

const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
const sha256 = createHash("sha256").update(content).digest("hex");
const wrong = "0".repeat(64);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let handler: Handler;
let base = "";
let requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage["headers"] }[] = [];

const listen = async (answer: Handler): Promise<{ readonly server: Server; readonly base: string }> => {
  const listening = createServer(answer);
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  return {
    server: listening,
    base: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
  };
};

beforeEach(async () => {
  requests = [];
  handler = serve();
  ({ server, base } = await listen((request, response) => {
    requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    handler(request, response);
  }));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A server as hubs are: ranges, strong ETags, checks of If-Range. `cutAfter` ends the connection after so many bytes. */
function serve(
  options: {
    readonly body?: Buffer;
    readonly tag?: string;
    readonly cutAfter?: number;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Handler {
  const { body = content, tag = '"v1"', cutAfter, headers = {} } = options;
  return (request, response) => {
    const range = /bytes=(\d+)-/.exec(request.headers.range ?? "");
    const begin = range !== null && request.headers["if-range"] === tag ? Number(range[1]) : 0;
    if (begin > 0 && begin >= body.length) return void response.writeHead(416).end();
    const rest = body.subarray(begin);
    response.writeHead(begin > 0 ? 206 : 200, {
      etag: tag,
      "content-length": rest.length,
      ...(begin > 0 ? { "content-range": `bytes ${begin}-${body.length - 1}/${body.length}` } : {}),
      ...headers,
    });
    if (request.method === "HEAD") return void response.end();
    if (cutAfter === undefined) return void response.end(rest);
    response.write(rest.subarray(0, cutAfter), () => response.destroy());
  };
}

/** Answers in turn; the last one stays. */
function inTurn(...handlers: readonly Handler[]): Handler {
  let number = 0;
  return (request, response) => {
    if (request.method === "HEAD") return serve()(request, response);
    const current = handlers[Math.min(number, handlers.length - 1)];
    number += 1;
    current?.(request, response);
  };
}

const refuse =
  (status: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end();

const words = (...extra: readonly string[]): readonly string[] => [
  ...["download", "--source", base, "--repository", "owner/model", "--revision", "v1.3", "--target", at("target")],
  ...extra,
];

const environment = { ASCEND_STACKS_RETRY_SECONDS: "0.001", no_proxy: "127.0.0.1" };
const download = (...extra: readonly string[]): Promise<Ended> => run(words(...extra), environment);
const gets = () => requests.filter(({ method }) => method === "GET");
const brought = (path = "dit/w.bin"): Buffer => readFileSync(at("target", path));
const left = (): readonly string[] => readdirSync(at("target", "dit"));

describe("download", () => {
  it("brings files to their paths, from the addresses of a hub", async () => {
    const ended = await download("--file", `dit/w.bin@${sha256}`, "--file", "README.md");
    expect(ended.code).toBe(0);
    expect(gets().map(({ url }) => url)).toEqual([
      "/owner/model/resolve/v1.3/dit/w.bin",
      "/owner/model/resolve/v1.3/README.md",
    ]);
    expect(brought().equals(content)).toBe(true);
    expect(left()).toEqual(["w.bin"]);
    expect(ended.stderr).toContain(`SHA-256 ${sha256}, as expected`);
  });

  it("brings files from a plain mirror", async () => {
    expect(await download("--layout", "plain", "--file", "a b/w.bin")).toMatchObject({ code: 0 });
    expect(gets()[0]?.url).toBe("/a%20b/w.bin");
  });

  it("brings nothing twice, and only what has changed since", async () => {
    const file = ["--file", `dit/w.bin@${sha256}`];
    await download(...file);
    requests = [];
    expect(await download(...file)).toMatchObject({ code: 0, stderr: expect.stringContaining("0 to bring") });
    expect(requests).toEqual([]);
    truncateSync(at("target", "dit", "w.bin"), 10);
    expect(await download(...file)).toMatchObject({ code: 0 });
    expect(brought().equals(content)).toBe(true);
  });

  it("shows how far it is, and how fast", async () => {
    const ended = await run(words("--file", "dit/w.bin"), { ...environment, ASCEND_STACKS_PROGRESS_SECONDS: "0" });
    expect(ended.stderr).toMatch(/dit\/w\.bin: 0 MiB of 0 MiB \(100 %\), [\d.]+ MiB\/s/);
  });

  it("goes on where the connection ended, in the same attempt", async () => {
    handler = inTurn(serve({ cutAfter: 100_000 }), serve());
    expect(await download("--file", `dit/w.bin@${sha256}`)).toMatchObject({ code: 0 });
    expect(gets()[1]?.headers).toMatchObject({ range: expect.stringMatching(/^bytes=[1-9]\d*-$/), "if-range": '"v1"' });
    expect(brought().equals(content)).toBe(true);
  });

  it("goes on where an earlier attempt was killed", async () => {
    handler = inTurn((_, response) => {
      response.writeHead(200, { etag: '"v1"', "content-length": content.length });
      response.write(content.subarray(0, 200_000));
    });
    const { child, ended } = start(words("--file", "dit/w.bin"), environment);
    const part = at("target", "dit", "w.bin.part");
    while (!(existsSync(part) && statSync(part).size > 0)) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGKILL");
    await ended;
    const have = statSync(part).size;
    handler = serve();
    expect(await download("--file", `dit/w.bin@${sha256}`)).toMatchObject({ code: 0 });
    expect(gets().at(-1)?.headers.range).toBe(`bytes=${have}-`);
    expect(brought().equals(content)).toBe(true);
  });

  it.each([
    ["the file has changed meanwhile", serve({ tag: '"v2"' })],
    ["the server knows no ranges", serve({ tag: "" })],
  ])("starts anew when %s", async (_, then) => {
    handler = inTurn(serve({ body: Buffer.alloc(content.length), cutAfter: 100_000 }), then);
    expect(await download("--file", `dit/w.bin@${sha256}`)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("starting anew"),
    });
    expect(brought().equals(content)).toBe(true);
  });

  it("removes a file with a wrong checksum", async () => {
    const ended = await download("--file", `dit/w.bin@${wrong}`);
    expect(ended).toMatchObject({
      code: 72,
      stderr: expect.stringContaining(`got ${content.length} bytes with SHA-256 ${sha256}; expected SHA-256 ${wrong}`),
    });
    expect(left()).toEqual([]);
  });

  it("takes the checksum from a hub's own headers, and refuses what differs", async () => {
    handler = serve({ headers: { "x-linked-etag": `"${wrong}"`, "x-linked-size": String(content.length) } });
    expect(await download("--file", "dit/w.bin")).toMatchObject({ code: 72 });
    expect(left()).toEqual([]);
  });

  it.each([
    [404, "cannot be had; got 404", 71],
    [401, "give a token", 71],
    [403, "accept its terms", 71],
  ])("does not try again after %i", async (status, message, code) => {
    handler = refuse(status);
    expect(await download("--file", "dit/w.bin")).toMatchObject({ code, stderr: expect.stringContaining(message) });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ["seconds", (): string => "1"],
    ["a date", (): string => new Date(Date.now() + 2000).toUTCString()],
  ])("waits as long as a busy server asks for, in %s", async (_, after) => {
    handler = inTurn(
      (request, response) => refuse(429, { "retry-after": after() })(request, response),
      refuse(503),
      serve(),
    );
    const begun = Date.now();
    const ended = await download("--file", `dit/w.bin@${sha256}`);
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("answered 429; trying again in") });
    expect(Date.now() - begun).toBeGreaterThan(900);
  });

  it("gives up after several attempts that brought nothing, with a code that lets the pod be started again", async () => {
    handler = refuse(503);
    expect(await download("--file", "dit/w.bin")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("interrupted 8 times in a row"),
    });
  });

  it("gives up on a server that always ends at the same place and knows no ranges", async () => {
    handler = serve({ tag: "", cutAfter: 100_000 });
    const ended = await download("--file", "dit/w.bin");
    expect(ended).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("the connection ended after 100000 of 300000"),
    });
  });

  it("gives up on a server that is not there", async () => {
    server.close();
    expect(await download("--file", "dit/w.bin")).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("refused"),
    });
  });

  it("gives the token to the hub alone: not to the host that it redirects to, and not to the log", async () => {
    const store = await listen((request, response) => {
      requests.push({ method: `store ${request.method}`, url: request.url ?? "", headers: request.headers });
      serve()(request, response);
    });
    handler = (_, response) =>
      void response
        .writeHead(302, {
          location: `${store.base}/blob?signature=x`,
          "x-linked-etag": `"${sha256}"`,
          "x-linked-size": String(content.length),
        })
        .end();
    const ended = await run(words("--file", "dit/w.bin", "--token-variable", "HUB_TOKEN"), {
      ...environment,
      HUB_TOKEN: "hf_secret",
    });
    store.server.close();
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("as expected") });
    expect(gets()[0]?.headers.authorization).toBe("Bearer hf_secret");
    const stored = requests.filter(({ method }) => method === "store GET");
    expect(stored).toHaveLength(1);
    expect(stored[0]?.headers.authorization).toBeUndefined();
    expect(ended.stderr + ended.stdout).not.toContain("hf_secret");
  });

  it("goes through the proxy of the environment", async () => {
    const ended = await run(
      [
        "download",
        "--source",
        "http://hub.invalid",
        "--repository",
        "a/b",
        "--file",
        "w.bin",
        "--target",
        at("target"),
      ],
      { ...environment, http_proxy: base },
    );
    expect(ended.code).toBe(0);
    expect(gets()[0]?.url).toBe("http://hub.invalid/a/b/resolve/main/w.bin");
  });

  it("brings what matches a pattern, from all pages of a hub's listing, with its checksums", async () => {
    const entry = (path: string, oid: string) => ({
      type: "file",
      path,
      size: content.length,
      lfs: { oid, size: content.length },
    });
    const pages = [
      [{ type: "directory", path: "dit" }, entry("dit/1.safetensors", sha256), entry("vae/merged.ckpt", sha256)],
      [entry("dit/2.safetensors", sha256), { type: "file", path: "dit/config.json", size: content.length }],
    ];
    handler = (request, response) => {
      if (!request.url?.startsWith("/api/")) return serve()(request, response);
      const isSecond = request.url.includes("cursor");
      response
        .writeHead(
          200,
          isSecond ? {} : { link: `<${base}/api/models/owner/model/tree/v1.3?recursive=1&cursor=2>; rel="next"` },
        )
        .end(JSON.stringify(pages[isSecond ? 1 : 0]));
    };
    expect(await download("--pattern", "dit/*")).toMatchObject({ code: 0 });
    expect(left().slice().sort()).toEqual(["1.safetensors", "2.safetensors", "config.json"]);
    expect(await download("--pattern", "dit/*", "--pattern", "*.onnx")).toMatchObject({
      code: 71,
      stderr: expect.stringContaining("has no file *.onnx"),
    });
  });

  it("looks for room before it starts", async () => {
    handler = serve({ headers: { "x-linked-size": String(2 ** 60) } });
    expect(await download("--file", "dit/w.bin")).toMatchObject({
      code: 77,
      stderr: expect.stringContaining("is too small"),
    });
    expect(gets()).toEqual([]);
  });

  it.each([
    ["a path that leads out of the target", ["--file", "../w.bin"], /must be relative/],
    ["a checksum that is none", ["--file", "w.bin@abc"], /expected 64 hexadecimal digits/],
    ["nothing to bring", [], /neither --file nor --pattern/],
    ["a pattern on a plain mirror", ["--layout", "plain", "--pattern", "*"], /has no listing/],
  ])("refuses %s", async (_, extra, message) => {
    const ended = await download(...extra);
    expect(ended.code).toBe(71);
    expect(ended.stderr).toMatch(message);
    expect(requests).toEqual([]);
  });

  it("says when the token's variable is empty", async () => {
    expect(await download("--file", "w.bin", "--token-variable", "HUB_TOKEN")).toMatchObject({ code: 74 });
  });

  it("is a stage like others: in place, resumed by the next pod, and marked at the end", async () => {
    const target = at("weights");
    const program = [
      "python3",
      runtime,
      "download",
      "--source",
      base,
      "--repository",
      "owner/model",
      "--file",
      "dit/w.bin",
      "--target",
      target,
    ];
    const stage = {
      stage: "download",
      outputs: [output({ path: target, requiredFiles: ["dit/w.bin"], isWrittenInPlace: true, sources: [] })],
    };
    handler = inTurn(serve({ cutAfter: 100_000 }), refuse(404));
    expect(await launch(program, stage, environment)).toMatchObject({ code: 71 });
    handler = serve();
    expect(await launch(program, stage, environment)).toMatchObject({ code: 0 });
    expect(gets().at(-1)?.headers.range).toMatch(/^bytes=[1-9]/);
    expect(existsSync(at("weights", "ascend-artifact.json"))).toBe(true);
    expect(await launch(program, stage, environment)).toMatchObject({
      stderr: expect.stringContaining("nothing to do"),
    });
  });
});
