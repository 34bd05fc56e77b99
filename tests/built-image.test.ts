import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageArgs as DockerImageArguments } from "@pulumi/docker";
import docker from "@pulumi/docker/package.json" with { type: "json" };
import type { ImageArgs as BuildkitImageArguments } from "@pulumi/docker-build";
import dockerBuild from "@pulumi/docker-build/package.json" with { type: "json" };
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { renderCommand } from "../src/cli/render-command.ts";
import { processTerminal } from "../src/cli/terminal.ts";
import { ConfigurationError } from "../src/config/diagnostics.ts";
import { buildkitInputs, dockerInputs } from "../src/images/engine-inputs.ts";
import type { ImageBuild } from "../src/images/image-plan.ts";
import { providerVersions } from "../src/images/provider-versions.ts";
import { registerEnvironment } from "../src/program.ts";
import { type PlannedStack, planStackFromEngine } from "../src/stack.ts";
import { projectFolder } from "./stacks.ts";

/**
 * Environments that build their image, under the engine's in-memory stand-in: what the Docker providers are asked for, and what the
 * jobs get. Not proven here: the providers themselves, whose programs are no part of any package. What they carry out is proven with
 * a real BuildKit in images/training.
 */

const hex = "ab12".repeat(16);
const base = `registry.example.com/cann:9.0.0@sha256:${hex}`;
const repository = "registry.example.com/training/opensoraplan";

// biome-ignore lint/suspicious/noExplicitAny: tests write whatever a user may write
type Data = any;

const stackData: Data = parse(readFileSync(join(projectFolder, "stacks", "Pulumi.local.yaml"), "utf8"));

function planned(image: Data): PlannedStack {
  return planStackFromEngine(projectFolder, "built", { ...stackData.config["ascend-stacks:environment"], image });
}

/** The messages of a refused stack. */
function refusal(image: Data): string {
  try {
    planned(image);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return "";
}

interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Data;
}

const secretMark = "4dabf18193072939515e22adb298388d";

/** Registers a stack with an engine that answers as the providers would; in a preview they know no digest. */
async function register(stack: PlannedStack, isPreview: boolean) {
  const registrations: Registration[] = [];
  const answer = isPreview ? {} : { repoDigest: `${repository}@sha256:${hex}`, digest: `sha256:${hex}` };
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        registrations.push({ type, name, inputs });
        return { id: `${name}-id`, state: type.startsWith("docker") ? { ...inputs, ...answer } : inputs };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call ${token}`);
      },
    },
    "ascend-stacks",
    "built",
    isPreview,
  );
  const outputs = registerEnvironment(stack.plan, stack.objects, () => pulumi.secret("a password"), stack.build);
  await pulumi.runtime.disconnect();
  return { registrations, outputs };
}

const imagesOf = (registrations: readonly Registration[]): readonly unknown[] =>
  registrations
    .filter(({ type }) => type === "kubernetes:batch/v1:Job")
    .flatMap(({ inputs }) => inputs.spec.template.spec.containers.map((container: Data) => container.image));

describe("an image built by a plain engine", () => {
  const stack = planned({
    build: { repository, base },
    registryCredentials: { server: "registry.example.com", username: "builder", password: "in clear" },
  });

  it("is pushed by up under a name that says its versions, and the jobs get its digest", async () => {
    const { registrations } = await register(stack, false);
    const [image] = registrations.filter(({ type }) => type === "docker:index/image:Image");
    expect(image?.inputs).toMatchObject({
      imageName: expect.stringMatching(new RegExp(`^${repository}:26\\.0\\.0-910b-py3\\.10-[0-9a-f]{12}$`)),
      buildOnPreview: false,
      skipPush: false,
      build: {
        platform: "linux/arm64",
        builderVersion: "BuilderBuildKit",
        args: { BASE_IMAGE: base, CHIP: "910b", PYTHON_VERSION: "3.10", TORCH_NPU_VERSION: "2.7.1.post4" },
      },
    });
    const images = imagesOf(registrations);
    expect(images.length).toBe(4);
    expect(new Set(images)).toEqual(new Set([`${repository}@sha256:${hex}`]));
  });

  it("gives the registry's password to the engine as a secret", async () => {
    const { registrations } = await register(stack, false);
    const registry = registrations.find(({ type }) => type === "docker:index/image:Image")?.inputs.registry;
    expect(JSON.stringify(registry)).toContain(secretMark);
    expect(JSON.stringify(registrations)).not.toContain("in clear");
  });

  it("is not built by a preview, in which the jobs' image is not known yet", async () => {
    const { registrations } = await register(stack, true);
    expect(registrations.find(({ type }) => type === "docker:index/image:Image")?.inputs.buildOnPreview).toBe(false);
    expect(JSON.stringify(imagesOf(registrations))).not.toContain("sha256");
  });

  it("is recorded in the contracts by its name, which the content decides", async () => {
    const { registrations } = await register(stack, false);
    const contracts = registrations
      .filter(({ type }) => type === "kubernetes:core/v1:ConfigMap")
      .map(({ inputs }) => JSON.parse(inputs.data["contract.json"]).image);
    expect(new Set(contracts)).toEqual(new Set([`${repository}:${stack.build?.tag}`]));
    const other = planned({ build: { repository, base: base.replace("ab12", "cd34") } });
    expect(other.build?.tag).not.toBe(stack.build?.tag);
    expect(planned({ build: { repository, base } }).build?.tag).toBe(stack.build?.tag);
  });
});

describe("an image built by BuildKit", () => {
  const build = {
    engine: "buildkit",
    repository,
    base,
    python: "3.11",
    sources: "/srv/bundle",
    certificates: join(projectFolder, "package.json"),
    builder: "remote",
    cacheFrom: ["registry.example.com/cache:latest"],
    cacheTo: "registry.example.com/cache:latest",
    gitHosts: ["https://git.example.com"],
  };
  const stack = planned({ build });

  it("gets caches, secrets, named contexts, and an export whose digest repeats", async () => {
    const { registrations } = await register(stack, false);
    const image = registrations.find(({ type }) => type === "docker-build:index:Image")?.inputs;
    expect(image).toMatchObject({
      buildOnPreview: false,
      push: false,
      platforms: ["linux/arm64"],
      context: { named: { sources: { location: "/srv/bundle" } } },
      builder: { name: "remote" },
      cacheFrom: [{ registry: { ref: "registry.example.com/cache:latest" } }],
      cacheTo: [{ registry: { ref: "registry.example.com/cache:latest", mode: "max" } }],
      buildArgs: { PYTHON_VERSION: "3.11", GIT_HOSTS: "https://git.example.com", SOURCE_DATE_EPOCH: "1767225600" },
    });
    expect(image.exports[0].raw).toMatch(/^type=image,name=\S+,push=true,oci-mediatypes=true,rewrite-timestamp=true$/);
    expect(JSON.stringify(image.secrets)).toContain(secretMark);
    expect(new Set(imagesOf(registrations))).toEqual(new Set([`${repository}@sha256:${hex}`]));
  });

  it("is not built by a preview either", async () => {
    const { registrations } = await register(stack, true);
    expect(registrations.find(({ type }) => type === "docker-build:index:Image")?.inputs.buildOnPreview).toBe(false);
    expect(JSON.stringify(imagesOf(registrations))).not.toContain("sha256");
  });
});

describe("an image built elsewhere", () => {
  it("is passed on as it is, and no provider for images is asked", async () => {
    const reference = `${repository}@sha256:${hex}`;
    const { registrations, outputs } = await register(planned({ reference }), false);
    expect(registrations.filter(({ type }) => type.startsWith("docker"))).toEqual([]);
    expect(new Set(imagesOf(registrations))).toEqual(new Set([reference]));
    expect(outputs.image).toBe(reference);
  });

  it("is judged by the versions that its labels say", () => {
    const reference = `${repository}@sha256:${hex}`;
    expect(refusal({ reference, versions: { mindspeedMm: "26.1.0" } })).toContain(
      "image.versions.mindspeedMm: these versions cannot work together: this release has no OpenSoraPlan1.3 example any more; got 26.1.0; allowed: 26.0.0; nearest: MindSpeed-MM 26.0.0",
    );
    expect(refusal({ reference, versions: { chip: "a3" } })).toContain("made for another chip than Atlas 800T A2 has");
    expect(planned({ reference, versions: { mindspeedMm: "26.0.0", cann: "7.0.0" } }).warnings).toContainEqual(
      expect.objectContaining({
        rule: "versions-supported",
        path: ["image", "versions", "cann"],
        got: "7.0.0",
        nearest: ["CANN 9.0.0"],
      }),
    );
    const { warnings } = planned({ reference, versions: { mindspeedMm: "26.0.0", cann: "9.0.0", hdk: "25.5.0" } });
    expect(warnings.filter(({ rule }) => rule?.startsWith("versions-"))).toEqual([]);
  });
});

describe("a build that could not work is refused", () => {
  it.each<[string, Data, string]>([
    ["without the base's digest", {}, "the digest of the CANN base image 9.0.0-910b-ubuntu22.04-py3.10 is not known"],
    [
      "for nodes of another architecture",
      { base, platform: "linux/amd64" },
      "the nodes could not run the image; got linux/amd64; allowed: linux/arm64",
    ],
    [
      "without a lock",
      { base, engine: "buildkit", platform: ["linux/arm64", "linux/amd64"] },
      "no requirement lock for Python 3.10 on x86_64",
    ],
    [
      "for two platforms by a plain engine",
      { base, platform: ["linux/arm64", "linux/amd64"] },
      "a plain engine builds one platform",
    ],
    [
      "with secrets by a plain engine",
      { base, certificates: "/etc/ca.crt" },
      "image.build.certificates: a plain engine has no build secrets",
    ],
    [
      "from a folder that a plain engine cannot see",
      { base, sources: "/srv/bundle" },
      "nearest: images/training/sources",
    ],
    ["with apex from nowhere", { base, apex: "0.1" }, "apex for Ascend is in no package index"],
  ])("%s", (_, build, words) => expect(refusal({ build: { repository, ...build } })).toContain(words));

  it("when it is both built and referred to, or neither", () => {
    expect(refusal({ build: { repository, base }, reference: `${repository}@sha256:${hex}` })).toContain(
      "got reference and build; allowed: build or reference",
    );
    expect(refusal({})).toContain("an image is either built or referred to by digest; got neither");
    expect(refusal({ build: { repository: `${repository}:tag`, base } })).toContain("without tag or digest");
  });
});

/** What the official packages take; the compiler compares. */
const dockerArguments = (build: ImageBuild): DockerImageArguments => dockerInputs<string>(build, "images", undefined);
const buildkitArguments = (build: ImageBuild): BuildkitImageArguments =>
  buildkitInputs<string>(build, "images", undefined, {});

describe("ascend render", () => {
  it("does not write a name that no registry has yet into files", () => {
    const folder = mkdtempSync(join(tmpdir(), "ascend-render-"));
    mkdirSync(join(folder, "stacks"));
    cpSync(join(projectFolder, "stacks", "bases"), join(folder, "stacks", "bases"), { recursive: true });
    const environment = { ...stackData.config["ascend-stacks:environment"], image: { build: { repository, base } } };
    writeFileSync(
      join(folder, "stacks", "Pulumi.built.yaml"),
      stringify({ config: { "ascend-stacks:environment": environment } }),
    );
    expect(() => renderCommand(["built", "--stdout"], folder, processTerminal())).toThrow(
      "the image of built is built by pulumi up, so its digest is in no file",
    );
  });
});

describe("the providers", () => {
  it("are those whose packages the inputs were written against", () => {
    expect(providerVersions).toEqual({ docker: docker.version, "docker-build": dockerBuild.version });
    const { build } = planned({ build: { repository, base } });
    if (build === undefined) throw new Error("the stack builds an image");
    expect(dockerArguments(build).imageName).toBe(`${repository}:${build.tag}`);
    expect(buildkitArguments(build).buildOnPreview).toBe(false);
  });
});
