import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  installedProvider,
  installStandIn,
  launcherScript,
  type ProvideRequest,
  pluginFolder,
  providePulumiKubernetes,
} from "./install.ts";
import { officialVersion } from "./official.ts";

let folder = "";
let pulumiHome = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stand-in-install-"));
  pulumiHome = join(folder, "pulumi home");
});
afterEach(() => rmSync(folder, { recursive: true }));

const plugin = (): string => join(pluginFolder(pulumiHome), "pulumi-resource-kubernetes");

/** A CLI that does what a script says; each call is noted in a file. */
function cli(script: string): string {
  const path = join(folder, "pulumi");
  writeFileSync(path, `#!/bin/sh\necho "$PULUMI_HOME $*" >> '${join(folder, "calls")}'\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const calls = (): string => (existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8") : "");

const downloading = (): string => {
  const target = pluginFolder(pulumiHome);
  return `mkdir -p '${target}' && touch '${target}/pulumi-resource-kubernetes'`;
};

const provide = (request: Partial<ProvideRequest>) =>
  providePulumiKubernetes({
    pulumiHome,
    canReachNetwork: async () => true,
    ...request,
    pulumi: request.pulumi ?? cli(downloading()),
  });

describe("getting a Kubernetes provider", () => {
  it("downloads the official one where it can", async () => {
    expect(await provide({})).toBe("official");
    expect(calls()).toBe(`${pulumiHome} plugin install resource kubernetes ${officialVersion()}\n`);
  });

  it("keeps an official one and asks no network", async () => {
    mkdirSync(pluginFolder(pulumiHome), { recursive: true });
    writeFileSync(plugin(), "official");
    expect(await provide({ canReachNetwork: () => expect.unreachable("asked") })).toBe("official");
    expect(readFileSync(plugin(), "utf8")).toBe("official");
  });

  it.each<{ name: string; request: () => Partial<ProvideRequest>; reason: string }>([
    {
      name: "there is no network",
      request: () => ({ canReachNetwork: async () => false }),
      reason: "have no address here",
    },
    {
      name: "downloads are switched off",
      request: () => ({ isDownloadAllowed: false }),
      reason: "downloads are switched off",
    },
    {
      name: "the download fails",
      request: () => ({ pulumi: cli("echo 'error: 404' >&2; exit 1") }),
      reason: "error: 404",
    },
    {
      name: "the download hangs",
      request: () => ({ pulumi: cli("exec sleep 60"), downloadSeconds: 1 }),
      reason: "no answer within 1 s",
    },
    { name: "the CLI is missing", request: () => ({ pulumi: join(folder, "missing") }), reason: "ENOENT" },
    {
      name: "the download stops half way",
      request: () => ({
        pulumi: cli(`${downloading()}; touch '${pluginFolder(pulumiHome)}.partial'; echo broken >&2; exit 1`),
      }),
      reason: "broken",
    },
  ])("puts the stand-in there when $name", async ({ request, reason }) => {
    const lines: string[] = [];
    expect(await provide({ ...request(), progress: (line) => lines.push(line) })).toBe("stand-in");
    expect(installedProvider(pulumiHome)).toBe("stand-in");
    expect(lines.at(-1)).toMatch(/^Using the stand-in for the Kubernetes provider: /);
    expect(lines.at(-1)).toContain(reason);
  });

  it("keeps a stand-in, but brings its paths up to date", async () => {
    installStandIn({ pulumiHome, node: "/old/node" });
    expect(await provide({ node: "/new/node" })).toBe("stand-in");
    expect(calls()).toBe("");
    expect(readFileSync(plugin(), "utf8")).toContain("'/new/node'");
  });
});

describe("the installed stand-in", () => {
  it("says what it is in its folder", () => {
    expect(readFileSync(join(installStandIn({ pulumiHome }), "STAND-IN.txt"), "utf8")).toContain(
      "Stand-in for pulumi-resource-kubernetes",
    );
    expect(readFileSync(plugin(), "utf8")).toContain("# Stand-in for pulumi-resource-kubernetes");
  });

  it("starts from paths with blanks and quotes", () => {
    const entry = join(folder, "it's an entry.mjs");
    const script = join(folder, "launcher");
    writeFileSync(entry, "console.log(process.argv[2])");
    writeFileSync(script, launcherScript(process.execPath, entry));
    chmodSync(script, 0o755);
    expect(spawnSync(script, ["two words"], { encoding: "utf8" }).stdout).toBe("two words\n");
  });

  it("prints a port first, as the engine expects", async () => {
    installStandIn({ pulumiHome });
    const child = spawn(plugin(), ["127.0.0.1:1"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const line = await new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data))));
      expect(line).toMatch(/^\d+\n$/);
    } finally {
      child.kill();
    }
  });
});
