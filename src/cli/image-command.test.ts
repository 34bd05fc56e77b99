import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { parseVersions, versionsFile } from "../images/versions.ts";

/** The commands against recording stand-ins for crane, syft and cosign: what they are asked, and what is made of their answer. */

const projectFolder = join(import.meta.dirname, "..", "..");
const digest = `sha256:${"ab12".repeat(16)}`;
const reference = `registry.example.com/training/opensoraplan@${digest}`;

interface Bench {
  readonly folder: string;
  /** Words of each call of a stand-in, in order. */
  readonly calls: () => readonly (readonly string[])[];
  readonly ascend: (...words: readonly string[]) => {
    readonly code: number | null;
    readonly out: string;
    readonly error: string;
  };
}

/**
 * A project with one stack, and stand-ins on a search path of their own.
 *
 * @param programs shell text of each stand-in, run after its words are recorded
 */
function bench(programs: Readonly<Record<string, string>>, image: unknown = { reference }): Bench {
  const folder = mkdtempSync(join(tmpdir(), "ascend-image-command-"));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) {
    const record = `printf '%s' ${name} >> "${folder}/calls"; for word in "$@"; do printf '\\t%s' "$word" >> "${folder}/calls"; done; echo >> "${folder}/calls"`;
    writeFileSync(join(bin, name), `#!/bin/sh\n${record}\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  cpSync(join(projectFolder, "stacks", "bases"), join(folder, "stacks", "bases"), { recursive: true });
  const stack = parse(readFileSync(join(projectFolder, "stacks", "Pulumi.local.yaml"), "utf8"));
  const environment = { ...stack.config["ascend-stacks:environment"], image };
  writeFileSync(
    join(folder, "stacks", "Pulumi.test.yaml"),
    stringify({ config: { "ascend-stacks:environment": environment } }),
  );
  const script = `import { main } from ${JSON.stringify(join(projectFolder, "src", "cli", "main.ts"))}; process.exitCode = await main(process.argv.slice(1), ${JSON.stringify(folder)});`;
  return {
    folder,
    calls: () =>
      readFileSync(join(folder, "calls"), "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split("\t")),
    ascend: (...words) => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ["--input-type=module", "-e", script, "--", ...words],
        {
          encoding: "utf8",
          // A search path with the stand-ins and a shell, and none of the machine's own programs of these names.
          env: { HOME: folder, PATH: [bin, dirname("/bin/sh"), "/usr/bin"].join(delimiter) },
        },
      );
      return { code: status, out: stdout, error: stderr };
    },
  };
}

describe("ascend image resolve", () => {
  it("asks the registry for every base and writes the digests into the stack lock, comments and all", () => {
    const { folder, ascend, calls } = bench({ crane: `echo ${digest}` });
    const file = join(folder, "versions.yaml");
    cpSync(versionsFile, file);
    const { code, out } = ascend("image", "resolve", "--file", file, "--repository", "mirror.example.com/cann");
    expect(code).toBe(0);
    expect(out).toContain(`9.0.0-910b-ubuntu22.04-py3.10: ${digest} (new)`);
    expect(calls()[0]).toEqual(["crane", "digest", "mirror.example.com/cann:9.0.0-910b-ubuntu22.04-py3.10"]);
    const text = readFileSync(file, "utf8");
    expect(parseVersions(text).bases.every((base) => base.digest === digest)).toBe(true);
    const changed = text
      .split("\n")
      .filter((line, index) => line !== readFileSync(versionsFile, "utf8").split("\n")[index]);
    expect(changed.every((line) => line.includes(digest))).toBe(true);
    expect(ascend("image", "resolve", "--file", file).out).toContain("(unchanged)");
  });

  it("takes skopeo where there is no crane, and reports tags that a registry does not have", () => {
    const { folder, ascend, calls } = bench({
      skopeo: `case "$*" in *-a3-*) echo "manifest unknown" >&2; exit 1;; esac; echo ${digest}`,
    });
    const file = join(folder, "versions.yaml");
    cpSync(versionsFile, file);
    const { code, error } = ascend("image", "resolve", "--file", file);
    expect(code).toBe(1);
    expect(error).toContain("9.0.0-a3-ubuntu22.04-py3.10: no digest: manifest unknown");
    expect(calls()[0]?.slice(0, 2)).toEqual(["skopeo", "inspect"]);
    expect(parseVersions(readFileSync(file, "utf8")).bases.map((base) => base.digest !== null)).toContain(false);
  });
});

describe("ascend image sbom, sign and verify", () => {
  it("list the contents of the stack's image straight from its registry", () => {
    const { ascend, calls } = bench({ syft: "exit 0" });
    const { code, out } = ascend("image", "sbom", "test", "--output", "contents.json");
    expect({ code, out }).toEqual({ code: 0, out: `contents.json: contents of ${reference}\n` });
    expect(calls()).toEqual([["syft", "scan", `registry:${reference}`, "--output", "spdx-json=contents.json"]]);
  });

  it("sign with a key and without a public log", () => {
    const { ascend, calls } = bench({ cosign: "exit 0" });
    expect(ascend("image", "sign", "test", "--key", "cosign.key").code).toBe(0);
    const [configuration, signing] = calls();
    expect(configuration?.slice(0, 4)).toEqual(["cosign", "signing-config", "create", "--out"]);
    expect(signing).toEqual([
      ...["cosign", "sign", "--yes", "--key", "cosign.key", "--signing-config", configuration?.[4] ?? "", reference],
    ]);
  });

  const publicKey = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";

  it("verify by the key of the stack file", () => {
    const { folder, ascend, calls } = bench(
      { cosign: 'cat "$3" > "$HOME/key"' },
      { reference, signature: { publicKey } },
    );
    const { code, out } = ascend("image", "verify", "test");
    expect({ code, out }).toEqual({ code: 0, out: `${reference} is signed by this key\n` });
    expect(readFileSync(join(folder, "key"), "utf8")).toBe(publicKey);
    const [words = []] = calls();
    expect([...words.slice(0, 3), ...words.slice(4)]).toEqual([
      "cosign",
      "verify",
      "--key",
      "--insecure-ignore-tlog=true",
      reference,
    ]);
  });

  it("fail when the signature does, in one line", () => {
    const { ascend } = bench({ cosign: "echo 'no matching signatures' >&2; exit 10" });
    const { code, error } = ascend("image", "verify", "test", "--key", "other.pub");
    expect(code).toBe(1);
    expect(error).toBe(
      `ascend: ${reference} is not signed by this key: cosign ended with 10: no matching signatures\n`,
    );
  });

  it.each([
    [["image", "sbom", "test", "--output", "x"], "listing an image's contents needs syft, which is not on PATH"],
    [["image", "verify", "test"], "verifying a signature needs cosign"],
    [["image", "sign", "test"], "--key is missing"],
    [["image", "sign", "test", "--key", "k", "--image", "a/b:tag"], "--image must be repository@sha256:"],
    [["image", "sbom", "test", "--format", "xml", "--output", "x"], "--format is spdx-json or cyclonedx-json, not xml"],
    [["image", "melt"], "unknown melt; usage: ascend image resolve"],
    [["image"], "usage: ascend image resolve"],
    [["image", "command", "test"], "given by reference; there is nothing to build"],
  ])("%j says what is wrong", (words, message) => {
    const { code, error } = bench({}).ascend(...words);
    expect(code).toBe(1);
    expect(error).toContain(message);
  });
});

describe("ascend image command", () => {
  const build = {
    engine: "buildkit",
    repository: "registry.example.com/training/opensoraplan",
    base: `registry.example.com/cann:9.0.0@${digest}`,
    sources: "/srv/bundle",
    certificates: "/etc/ssl/own.crt",
    cacheTo: "registry.example.com/cache:latest",
  };

  it("prints the same build as pulumi up's, for a pipeline of its own", () => {
    const { code, out } = bench({}, { build }).ascend("image", "command", "test");
    expect(code).toBe(0);
    for (const words of [
      "docker buildx build",
      "--platform linux/arm64",
      "--build-context sources=/srv/bundle",
      `--build-arg BASE_IMAGE=${build.base}`,
      "--secret id=ca,src=/etc/ssl/own.crt",
      "--cache-to type=registry,mode=max,ref=registry.example.com/cache:latest",
      "push=true,oci-mediatypes=true,rewrite-timestamp=true",
      "--metadata-file image-metadata.json",
    ])
      expect(out).toContain(words);
  });

  it("is an image without a digest to the other commands, which say where to find it", () => {
    const { error } = bench({ syft: "exit 0" }, { build }).ascend("image", "sbom", "test", "--output", "x");
    expect(error).toContain('--image "$(pulumi stack output image --stack test)"');
  });
});
