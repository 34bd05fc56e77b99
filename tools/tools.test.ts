import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheRoot, finish, readNote, removeDeadWork, workFolder } from "./cache.ts";
import { checksumIn, DownloadError, type DownloadLimits, download } from "./download.ts";
import { ensureTools, ToolError } from "./ensure.ts";
import { BuildError, buildArguments, requireGo } from "./go-build.ts";
import { withLock } from "./lock.ts";
import { toolOf, tools } from "./manifest.ts";
import { findOnPath, lookUp } from "./path-lookup.ts";
import { identify, isRunning, run } from "./processes.ts";
import { compareVersions, fits, type Version, versionIn } from "./version.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ascend-tools-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: readonly string[]): string => join(folder, ...names);

function program(name: string, body: string): void {
  mkdirSync(at("bin"), { recursive: true });
  writeFileSync(at("bin", name), `#!/bin/sh\n${body}\n`);
  chmodSync(at("bin", name), 0o755);
}

describe("versions", () => {
  it.each<[string, Version | undefined]>([
    ["Kubernetes v1.36.1", [1, 36, 1]],
    ["etcd Version: 3.6.14\nGit SHA: x", [3, 6, 14]],
    ["go version go1.26.8 linux/amd64", [1, 26, 8]],
    ["v4.2.4+g1234", [4, 2, 4]],
    ["1.26", [1, 26, 0]],
    ["nothing here", undefined],
  ])("in %j: %j", (text, version) => expect(versionIn(text)).toEqual(version));

  it.each<[Version, Version, "same-minor" | "same-major", boolean]>([
    [[1, 36, 1], [1, 36, 1], "same-minor", true],
    [[1, 36, 9], [1, 36, 1], "same-minor", true],
    [[1, 37, 0], [1, 36, 1], "same-minor", false],
    [[1, 36, 0], [1, 36, 1], "same-minor", false],
    [[3, 300, 0], [3, 259, 0], "same-major", true],
    [[3, 258, 9], [3, 259, 0], "same-major", false],
    [[4, 0, 0], [3, 259, 0], "same-major", false],
  ])("%j for %j with %s: %s", (found, pinned, fit, isFitting) => expect(fits(found, pinned, fit)).toBe(isFitting));

  it("are ordered by major, minor, patch", () => expect(compareVersions([1, 2, 3], [1, 10, 0])).toBeLessThan(0));
});

describe("the manifest", () => {
  it.each(tools.map((tool) => [tool.name, tool] as const))("pins %s to what its module folders build", (_, tool) => {
    expect(tool.version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const build of tool.modules) {
      const text = readFileSync(join(import.meta.dirname, "modules", build.folder, "go.mod"), "utf8");
      for (const name of build.packages) expect(text).toContain(name);
      expect(existsSync(join(import.meta.dirname, "modules", build.folder, "go.sum"))).toBe(true);
    }
    const [first] = tool.modules;
    expect(readFileSync(join(import.meta.dirname, "modules", first?.folder ?? "", "go.mod"), "utf8")).toContain(
      ` v${tool.version}`,
    );
  });

  it("replaces every staging module of Kubernetes by the release of the same number", () => {
    const text = readFileSync(join(import.meta.dirname, "modules", "kubernetes", "go.mod"), "utf8");
    expect(text).toContain("k8s.io/api v0.36.1");
    expect(text.match(/=> k8s\.io\/\S+ v0\.36\.1/g)?.length).toBeGreaterThan(25);
  });

  it("asks for checksums of every release file, over https", () => {
    for (const tool of tools) {
      for (const file of tool.release?.({ system: "linux", architecture: "arm64" }) ?? []) {
        expect(file.url).toMatch(/^https:\/\//);
        expect(file.checksumUrl).toMatch(/^https:\/\//);
        expect(file.url).toContain(tool.version);
      }
    }
  });

  it("pins the Node of the bootstrap script", () => {
    expect(readFileSync(join(import.meta.dirname, "..", ".node-version"), "utf8")).toMatch(/^24\.\d+\.\d+\n$/);
  });
});

describe("the machine's own programs", () => {
  const etcd = toolOf("etcd");

  it("are taken when their version fits", async () => {
    program("etcd", "echo etcd Version: 3.6.20");
    expect(await lookUp(etcd, `${at("empty")}:${at("bin")}`)).toEqual({ etcd: at("bin", "etcd") });
  });

  it.each([
    ["another minor version", "echo etcd Version: 3.5.1", "does not fit 3.6.14"],
    ["no version", "exit 1", "does not tell its version"],
  ])("are left with %s", async (_, body, reason) => {
    program("etcd", body);
    await expect(lookUp(etcd, at("bin"))).rejects.toThrow(reason);
  });

  it("are left when one of several is missing", async () => {
    program("pulumi", "echo v3.300.0");
    await expect(lookUp(toolOf("pulumi"), at("bin"))).rejects.toThrow("pulumi-language-nodejs is not on PATH");
  });

  it("are files that can be executed", () => {
    mkdirSync(at("bin", "folder"), { recursive: true });
    writeFileSync(at("bin", "text"), "");
    expect(findOnPath("folder", at("bin"))).toBeUndefined();
    expect(findOnPath("text", at("bin"))).toBeUndefined();
  });
});

describe("downloads", () => {
  const content = Buffer.from("program ".repeat(10_000));
  const sum = createHash("sha256").update(content).digest("hex");
  const limits: DownloadLimits = { connectMilliseconds: 500, attempts: 1 };
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.closeAllConnections();
  });

  function serve(listener: RequestListener): Promise<string> {
    return new Promise((resolve) => {
      const server = createServer(listener).listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
      });
      servers.push(server);
    });
  }

  /** Serves the file with ranges; `cutAt` closes the first connection in the middle. */
  function release(
    options: {
      readonly sums?: string;
      readonly cutAt?: number;
      readonly canContinue?: boolean;
      readonly ranges?: (string | undefined)[];
    } = {},
  ): Promise<string> {
    let isFirst = true;
    return serve((request, response) => {
      if (request.url === "/sums") return void response.end(options.sums ?? `${sum}  program\n`);
      if (request.url !== "/program") return void response.writeHead(404).end();
      const { range } = request.headers;
      options.ranges?.push(range);
      const start = options.canContinue === false ? 0 : Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
      const isPart = start > 0;
      response.writeHead(isPart ? 206 : 200, { "content-length": content.length - start });
      if (options.cutAt !== undefined && isFirst) {
        isFirst = false;
        response.write(content.subarray(start, options.cutAt), () => setTimeout(() => response.destroy(), 150));
        return;
      }
      response.end(content.subarray(start));
    });
  }

  it("are kept when the checksum is right", async () => {
    const base = await release();
    await download(`${base}/program`, `${base}/sums`, at("program"), limits);
    expect(readFileSync(at("program"))).toEqual(content);
    expect(readdirSync(folder)).toEqual(["program"]);
  });

  it("are thrown away when it is wrong", async () => {
    const base = await release({ sums: `${"0".repeat(64)}  program\n` });
    await expect(download(`${base}/program`, `${base}/sums`, at("program"), limits)).rejects.toThrow(
      "the file was thrown away",
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it("go on where they were cut off", async () => {
    const ranges: (string | undefined)[] = [];
    const base = await release({ cutAt: 30_000, ranges });
    await expect(download(`${base}/program`, `${base}/sums`, at("program"), limits)).rejects.toThrow("broke off");
    const part = readFileSync(at("program.part")).length;
    expect(part).toBeGreaterThan(0);
    await download(`${base}/program`, `${base}/sums`, at("program"), limits);
    expect(ranges).toEqual([undefined, `bytes=${part}-`]);
    expect(readFileSync(at("program"))).toEqual(content);
  });

  it("go on within one call when more attempts are allowed", async () => {
    const base = await release({ cutAt: 30_000 });
    await download(`${base}/program`, `${base}/sums`, at("program"), { ...limits, attempts: 3 });
    expect(readFileSync(at("program"))).toEqual(content);
  });

  it("start again with a server that cannot continue", async () => {
    const base = await release({ cutAt: 30_000, canContinue: false });
    await download(`${base}/program`, `${base}/sums`, at("program"), { ...limits, attempts: 2 });
    expect(readFileSync(at("program"))).toEqual(content);
  });

  it.each([
    ["the file is not there", "/absent", "/sums", "the server answered 404"],
    ["the checksums are not there", "/program", "/absent", "the server answered 404"],
  ])("say so when %s", async (_, file, sums, message) => {
    const base = await release({ sums: `${sum}  absent\n` });
    await expect(download(`${base}${file}`, `${base}${sums}`, at("program"), limits)).rejects.toThrow(message);
  });

  it("say so when the checksums do not name the file", async () => {
    const base = await release({ sums: `${sum}  other\n${sum}  another\n` });
    await expect(download(`${base}/program`, `${base}/sums`, at("program"), limits)).rejects.toThrow(
      "holds no checksum of program",
    );
  });

  it("give up soon on a server that does not answer, and on a name that does not exist", async () => {
    const silent = createSocketServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    await expect(download(`${base}/program`, `${base}/sums`, at("program"), limits)).rejects.toThrow(
      "no answer within 500 ms",
    );
    silent.close();
    await expect(
      download("http://nowhere.invalid/program", "http://nowhere.invalid/sums", at("program"), limits),
    ).rejects.toBeInstanceOf(DownloadError);
  });

  it.each([
    ["the sum alone", `${sum}\n`],
    ["lines of sum and name", `${"1".repeat(64)}  other\n${sum}  program\n`],
    ["names with a star or a folder", `${"1".repeat(64)} *other\n${sum} *dist/program\n`],
  ])("find their checksum in %s", (_, text) => expect(checksumIn(text, "program")).toBe(sum));
});

describe("builds", () => {
  it("are made from the committed sums, without symbols, with the true version", () => {
    const [build] = toolOf("kubernetes").modules;
    if (build === undefined) throw new Error("no module");
    const words = buildArguments(build, "/out");
    expect(words).toEqual(expect.arrayContaining(["-mod=readonly", "-trimpath", "k8s.io/kubernetes/cmd/kubectl"]));
    expect(words[words.indexOf("-ldflags") + 1]).toContain("-X k8s.io/component-base/version.gitVersion=v1.36.1");
  });

  it("say what to install when there is no compiler, or one too old that may not fetch another", async () => {
    await expect(requireGo({ PATH: at("bin") })).rejects.toThrow(
      /no Go compiler on PATH; install Go 1\.26\.0 or newer/,
    );
    program("go", "echo go version go1.20.1 linux/amd64");
    await expect(requireGo({ PATH: at("bin"), GOTOOLCHAIN: "local" })).rejects.toThrow("Go 1.20.1 is too old");
    await expect(requireGo({ PATH: at("bin") })).resolves.toBeUndefined();
    expect(new BuildError("x")).toBeInstanceOf(Error);
  });
});

describe("installing", () => {
  const silent = { progress: () => undefined };

  it("takes a fitting program of the machine, and does not look again", async () => {
    program("etcd", `echo >> ${at("asked")}; echo etcd Version: 3.6.14`);
    const options = { ...silent, root: at("cache"), searchPath: at("bin") };
    const [first] = await ensureTools(["etcd"], options);
    expect(first).toMatchObject({ way: "path", version: "3.6.14" });
    expect((await run(first?.programs.etcd ?? "", [])).stdout).toContain("3.6.14");
    await ensureTools(["etcd"], options);
    expect(readFileSync(at("asked"), "utf8")).toBe("\n\n");
  });

  it("installs anew when the machine's program is gone", async () => {
    program("etcd", "echo etcd Version: 3.6.14");
    const options = { ...silent, root: at("cache"), searchPath: at("bin") };
    await ensureTools(["etcd"], options);
    rmSync(at("bin", "etcd"));
    program("other", "");
    await expect(ensureTools(["etcd"], { ...options, modulesFolder: at("no-modules") })).rejects.toBeInstanceOf(
      ToolError,
    );
  });

  it("says for every way why it did not work, and what to install", async () => {
    const error: unknown = await ensureTools(["kwok"], {
      ...silent,
      root: at("cache"),
      searchPath: at("bin"),
      modulesFolder: at("no-modules"),
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ToolError);
    expect(String(error)).toMatch(
      /looking on PATH: .*\n\s+downloading the official release: .*\n\s+building from its Go module: .*\n\s+to go on: install Go/,
    );
    expect(existsSync(at("cache", "tools", "kwok", "0.8.0"))).toBe(false);
  });

  it("gives a folder its name only when it is whole, and removes what dead installations left", () => {
    const final = at("tools", "x", "1.0.0");
    mkdirSync(at("tools", "x", "1.0.0.work-999999999-1"), { recursive: true });
    const work = workFolder(final);
    expect(readNote(final)).toBeUndefined();
    removeDeadWork(final);
    expect(readdirSync(at("tools", "x"))).toEqual([work.split("/").at(-1)]);
    finish(work, final, { name: "x", version: "1.0.0", way: "module", seconds: 1 });
    expect(readNote(final)).toMatchObject({ way: "module" });
    expect(readdirSync(at("tools", "x"))).toEqual(["1.0.0"]);
  });

  it("keeps its cache outside the checkout, where XDG says", () => {
    expect(cacheRoot({ XDG_CACHE_HOME: "/somewhere" })).toBe("/somewhere/ascend-stacks");
  });
});

describe("a lock", () => {
  /** A process that takes the lock, notes its start and end, and stays for a while in between. */
  const holder = (name: string, milliseconds: number) =>
    spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `import { appendFileSync } from "node:fs";
import { withLock } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
await withLock(${JSON.stringify(at("lock"))}, async () => {
  appendFileSync(${JSON.stringify(at("notes"))}, "${name} in\\n");
  await new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
  appendFileSync(${JSON.stringify(at("notes"))}, "${name} out\\n");
});`,
    ]);

  const ended = (child: ReturnType<typeof holder>): Promise<void> =>
    new Promise((resolve) => child.on("close", () => resolve()));
  const notes = (): readonly string[] =>
    existsSync(at("notes")) ? readFileSync(at("notes"), "utf8").trim().split("\n") : [];

  it("lets processes in one after the other", async () => {
    await Promise.all([ended(holder("a", 300)), ended(holder("b", 300)), ended(holder("c", 300))]);
    const lines = notes();
    expect(lines).toHaveLength(6);
    for (const [index, line] of lines.entries())
      if (index % 2 === 0) expect(lines[index + 1]).toBe(line.replace("in", "out"));
  });

  it("of a process that was killed is taken over", async () => {
    const dead = holder("dead", 60_000);
    while (notes().length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    dead.kill("SIGKILL");
    await ended(dead);
    await expect(withLock(at("lock"), () => Promise.resolve("mine"))).resolves.toBe("mine");
    expect(readdirSync(folder).filter((name) => name.startsWith("lock") && !name.includes(String(dead.pid)))).toEqual(
      [],
    );
  });

  it("is released when the work fails", async () => {
    await expect(withLock(at("lock"), () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await expect(withLock(at("lock"), () => Promise.resolve(1))).resolves.toBe(1);
  });
});

describe("a process", () => {
  it("is recognised by id and start time together", () => {
    const me = identify(process.pid);
    expect(me === undefined ? false : isRunning(me)).toBe(true);
    expect(isRunning({ id: process.pid, startedAt: "1" })).toBe(false);
    expect(identify(999_999_999)).toBeUndefined();
  });

  it("that cannot be started gives a code and no exception", async () => {
    expect(await run(at("absent"), [])).toMatchObject({ code: 127 });
    expect(await run("sh", ["-c", "echo out; echo err >&2; exit 3"])).toMatchObject({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });
});
