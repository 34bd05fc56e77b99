import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheRoot, finish, listInstalled, readNote, removeDeadWork, toolFolder, workFolder } from "./cache.ts";
import { checksumIn, DownloadError, type DownloadLimits, download } from "./download.ts";
import { ensureTool, ensureTools, ToolError } from "./ensure.ts";
import { BuildError, buildArguments, requireGo } from "./go-build.ts";
import { withLock } from "./lock.ts";
import { type Tool, toolOf, tools } from "./manifest.ts";
import { findOnPath, lookUp } from "./path-lookup.ts";
import { identify, isRunning, run, startTimeFromPs } from "./processes.ts";
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
    ["a preliminary version", "echo etcd Version: 3.6.14-rc.0", "a preliminary version, which does not fit 3.6.14"],
    ["no version", "echo error 3.6.14; exit 1", "does not tell its version"],
  ])("are left with %s", async (_, body, reason) => {
    program("etcd", body);
    await expect(lookUp(etcd, at("bin"))).rejects.toThrow(reason);
  });

  it("are left when one of several is missing", async () => {
    program("pulumi", "echo v3.300.0");
    mkdirSync(at("other"));
    writeFileSync(at("other", "pulumi-language-nodejs"), "#!/bin/sh\n", { mode: 0o755 });
    await expect(lookUp(toolOf("pulumi"), `${at("bin")}:${at("other")}`)).rejects.toThrow(
      `pulumi-language-nodejs does not lie beside ${at("bin", "pulumi")}`,
    );
  });

  it("come with the companions of their own installation, also behind a link", async () => {
    program("pulumi", "echo v3.300.0");
    program("pulumi-language-nodejs", "");
    mkdirSync(at("links"));
    symlinkSync(at("bin", "pulumi"), at("links", "pulumi"));
    expect(await lookUp(toolOf("pulumi"), at("links"))).toEqual({
      pulumi: at("links", "pulumi"),
      "pulumi-language-nodejs": join(realpathSync(at("bin")), "pulumi-language-nodejs"),
    });
  });

  it("are left when one of several is of another version", async () => {
    for (const name of ["kube-apiserver", "kube-controller-manager", "kube-scheduler"])
      program(name, "echo Kubernetes v1.36.4");
    program("kubectl", "echo Client Version: v1.30.2");
    await expect(lookUp(toolOf("kubernetes"), at("bin"))).rejects.toThrow(
      `${at("bin", "kubectl")} is 1.30.2, which does not fit 1.36.1`,
    );
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
  const limits: DownloadLimits = { connectMilliseconds: 500, idleMilliseconds: 700, attempts: 1 };
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
      /** Whether the first connection stays open without a word instead of being closed. */
      readonly isSilent?: boolean;
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
        response.write(content.subarray(start, options.cutAt), () => {
          if (options.isSilent !== true) setTimeout(() => response.destroy(), 150);
        });
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

  it("go on after a server that falls silent in the middle", async () => {
    const base = await release({ cutAt: 30_000, isSilent: true });
    await download(`${base}/program`, `${base}/sums`, at("program"), { ...limits, attempts: 2 });
    expect(readFileSync(at("program"))).toEqual(content);
  });

  it("are not made again when the file is there with the right checksum", async () => {
    const ranges: (string | undefined)[] = [];
    const base = await release({ ranges });
    writeFileSync(at("program"), content);
    await download(`${base}/program`, `${base}/sums`, at("program"), limits);
    expect(ranges).toEqual([]);
    writeFileSync(at("program"), "something else");
    await download(`${base}/program`, `${base}/sums`, at("program"), limits);
    expect(readFileSync(at("program"))).toEqual(content);
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
    const old = (version: string, toolchain: string) =>
      program("go", `[ "$1" = env ] && echo ${toolchain} || echo go version go${version} linux/amd64`);
    old("1.22.1", "local");
    await expect(requireGo({ PATH: at("bin") })).rejects.toThrow("Go 1.22.1 is too old; install Go 1.26.0 or newer");
    old("1.22.1", "auto");
    await expect(requireGo({ PATH: at("bin") })).resolves.toBeUndefined();
    old("1.20.1", "auto");
    await expect(requireGo({ PATH: at("bin") })).rejects.toThrow("Go 1.20.1 is too old");
    expect(new BuildError("x")).toBeInstanceOf(Error);
  });
});

describe("installing", () => {
  const silent = { progress: () => undefined };
  // A test must not depend on whether the release can be reached.
  const ways = ["path", "module"] as const;

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
    const options = { ...silent, ways, root: at("cache"), searchPath: at("bin") };
    await ensureTools(["etcd"], options);
    rmSync(at("bin", "etcd"));
    program("other", "");
    await expect(ensureTools(["etcd"], { ...options, modulesFolder: at("no-modules") })).rejects.toBeInstanceOf(
      ToolError,
    );
  });

  it("asks again when the machine's program has changed", async () => {
    program("etcd", "echo etcd Version: 3.6.14");
    const options = { ...silent, ways, root: at("cache"), searchPath: at("bin"), modulesFolder: at("no-modules") };
    await ensureTools(["etcd"], options);
    program("etcd", "echo etcd Version: 3.6.15, patched");
    expect((await ensureTools(["etcd"], options))[0]).toMatchObject({ way: "path" });
    program("etcd", "echo etcd Version: 3.7.0, a new minor version");
    await expect(ensureTools(["etcd"], options)).rejects.toThrow("3.7.0, which does not fit 3.6.14");
  });

  it("leaves nothing but downloads behind when no way works", async () => {
    const options = { ...silent, root: at("cache"), searchPath: at("none"), modulesFolder: at("no-modules") };
    await expect(ensureTools(["kwok"], options)).rejects.toBeInstanceOf(ToolError);
    expect(readdirSync(at("cache", "tools", "kwok"))).toEqual([]);
  });

  it("lists what the cache holds, without what is not finished", () => {
    const note = { name: "x", version: "1.0.0", way: "module", seconds: 1 } as const;
    const final = toolFolder(at("cache"), "x", "1.0.0");
    finish(workFolder(final), final, note);
    workFolder(toolFolder(at("cache"), "x", "2.0.0"));
    expect(listInstalled(at("cache"))).toEqual([{ ...note, folder: final }]);
    expect(listInstalled(at("nowhere"))).toEqual([]);
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

describe("a release", () => {
  const asked: string[] = [];
  let server: Server;
  let base: string;

  beforeEach(async () => {
    asked.length = 0;
    server = createServer((request, response) => {
      const name = request.url?.slice(1) ?? "";
      asked.push(name);
      if (existsSync(at("served", name))) response.end(readFileSync(at("served", name)));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    // An archive with two programs in a folder, and a program alone.
    mkdirSync(at("dist"));
    mkdirSync(at("served"));
    for (const name of ["one", "two", "three"])
      writeFileSync(at("dist", name), `#!/bin/sh\necho ${name}\n`, { mode: 0o755 });
    expect(await run("tar", ["-czf", at("served", "pair.tar.gz"), "-C", folder, "dist/one", "dist/two"])).toMatchObject(
      {
        code: 0,
      },
    );
    // Served without the executable bit, as a download always is.
    writeFileSync(at("served", "three-linux"), readFileSync(at("dist", "three")));
    for (const name of ["pair.tar.gz", "three-linux"])
      writeFileSync(
        at("served", `${name}.sha256`),
        createHash("sha256")
          .update(readFileSync(at("served", name)))
          .digest("hex"),
      );
  });

  afterEach(() => server.close());

  const published = (): Tool => ({
    name: "trio",
    version: "1.2.3",
    programs: ["one", "two", "three"],
    versionArguments: { one: [] },
    fit: "same-minor",
    release: () => [
      {
        url: `${base}/pair.tar.gz`,
        checksumUrl: `${base}/pair.tar.gz.sha256`,
        members: ["dist/one", "dist/two"],
      },
      { url: `${base}/three-linux`, checksumUrl: `${base}/three-linux.sha256`, program: "three" },
    ],
    modules: [],
    remedy: "install trio",
  });

  const install = () =>
    ensureTool(published(), {
      root: at("cache"),
      searchPath: "",
      modulesFolder: at("none"),
      ways: ["path", "release"],
      progress: () => undefined,
    });

  it("is unpacked to programs that run, and leaves no archive behind", async () => {
    const { way, programs } = await install();
    expect(way).toBe("release");
    for (const name of ["one", "two", "three"])
      expect(await run(programs[name] ?? "", [])).toMatchObject({ code: 0, stdout: `${name}\n` });
    expect(readdirSync(at("cache", "tools", "trio", "1.2.3")).toSorted()).toEqual(["bin", "installed.json"]);
    expect(readdirSync(at("cache", "downloads", "trio"))).toEqual([]);
    asked.length = 0;
    await install();
    expect(asked).toEqual([]);
  });

  it("keeps its finished files when a later one is refused, and does not fetch them again", async () => {
    const sums = readFileSync(at("served", "three-linux.sha256"));
    rmSync(at("served", "three-linux.sha256"));
    await expect(install()).rejects.toThrow("three-linux.sha256: the server answered 404");
    expect(readdirSync(at("cache", "tools", "trio"))).toEqual([]);
    writeFileSync(at("served", "three-linux.sha256"), sums);
    asked.length = 0;
    await install();
    expect(asked).not.toContain("pair.tar.gz");
  });

  it("is refused when a member is missing, naming the archive", async () => {
    await run("tar", ["-czf", at("served", "pair.tar.gz"), "-C", folder, "dist/one"]);
    writeFileSync(
      at("served", "pair.tar.gz.sha256"),
      createHash("sha256")
        .update(readFileSync(at("served", "pair.tar.gz")))
        .digest("hex"),
    );
    await expect(install()).rejects.toThrow("pair.tar.gz cannot be unpacked");
    expect(readdirSync(at("cache", "tools", "trio"))).toEqual([]);
  });
});

describe("builds of kwok by several processes", () => {
  /** A compiler that takes its time, then leaves a program and says where a module lies. */
  function compiler(seconds: number): void {
    program(
      "go",
      `case "$1" in
  version) echo go version go1.26.8 linux/amd64 ;;
  list) echo ${at("module")} ;;
  build)
    echo built >> ${at("builds")}
    while [ "$1" != -o ]; do shift; done
    touch "$2/half"; sleep ${seconds}; mv "$2/half" "$2/kwok"; chmod 755 "$2/kwok" ;;
esac`,
    );
    mkdirSync(at("module", "kustomize", "crd", "bases"), { recursive: true });
    mkdirSync(at("modules", "kwok"), { recursive: true });
    writeFileSync(at("module", "kustomize", "crd", "bases", "definition.yaml"), "kind: CustomResourceDefinition\n");
  }

  /** Another process that installs kwok; resolves to what it reported. */
  function install() {
    const script = `import { ensureTools } from ${JSON.stringify(join(import.meta.dirname, "ensure.ts"))};
await ensureTools(["kwok"], ${JSON.stringify({ root: at("cache"), searchPath: "", modulesFolder: at("modules") })});`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, PATH: `${at("bin")}:${process.env.PATH ?? ""}` },
    });
    let report = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      report += text;
    });
    return { child, report: new Promise<string>((resolve) => child.on("close", () => resolve(report))) };
  }

  const kept = (): readonly string[] => readdirSync(at("cache", "tools", "kwok")).toSorted();
  const builds = (): number =>
    existsSync(at("builds")) ? readFileSync(at("builds"), "utf8").trim().split("\n").length : 0;

  it("happen once; the second process waits, says so and takes the result", async () => {
    compiler(1);
    const first = install();
    while (builds() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = install();
    expect(await first.report).toContain("kwok 0.8.0: ready, module");
    expect(await second.report).toContain(`kwok 0.8.0: waiting for process ${first.child.pid}`);
    expect(builds()).toBe(1);
    expect(kept()).toEqual(["0.8.0"]);
    expect(readdirSync(at("cache", "tools", "kwok", "0.8.0")).toSorted()).toEqual(["assets", "bin", "installed.json"]);
  });

  it("that are killed count for nothing and are cleared away by the next", async () => {
    compiler(1);
    const killed = install();
    while (builds() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    killed.child.kill("SIGKILL");
    await killed.report;
    expect(listInstalled(at("cache"))).toEqual([]);
    expect(kept().some((name) => name.includes(".work-"))).toBe(true);
    expect(await install().report).toContain("kwok 0.8.0: ready, module");
    expect(builds()).toBe(2);
    expect(kept().filter((name) => !name.includes(".lock."))).toEqual(["0.8.0"]);
  });

  it("happen anew when what they are made from has changed", async () => {
    compiler(0);
    await install().report;
    await install().report;
    expect(builds()).toBe(1);
    writeFileSync(at("modules", "kwok", "go.sum"), "another sum\n");
    await install().report;
    expect(builds()).toBe(2);
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

  it.skipIf(findOnPath("ps", process.env.PATH ?? "") === undefined)("has a start time without /proc too", async () => {
    const child = spawn("sleep", ["60"]);
    const started = Number(startTimeFromPs(child.pid ?? 0));
    expect(Math.abs(started - Date.now())).toBeLessThan(60_000);
    expect(startTimeFromPs(child.pid ?? 0)).toBe(String(started));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
    expect(startTimeFromPs(child.pid ?? 0)).toBeUndefined();
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
