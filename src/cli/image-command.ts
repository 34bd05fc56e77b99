/** `ascend image …`: digests of base images, the build for a platform's own pipeline, lists of contents, signatures. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  buildxCommand,
  digestQuery,
  registryTools,
  sbomCommand,
  signCommand,
  signingConfigurationCommand,
  verifyCommand,
} from "../images/image-tools.ts";
import { imagesFolder, parseVersions, versionsFile } from "../images/versions.ts";
import { planStack } from "../stack.ts";
import { UsageError } from "./arguments.ts";
import { firstThere, mustRun, runProgram } from "./external-program.ts";
import type { Terminal } from "./terminal.ts";

const usage = `usage: ascend image resolve [--repository <base repository>] [--file <versions.yaml>]
       ascend image command <stack>
       ascend image sbom <stack> [--image repo@sha256:…] [--format spdx-json|cyclonedx-json] --output <file>
       ascend image sign <stack> [--image repo@sha256:…] --key <file or key service>
       ascend image verify <stack> [--image repo@sha256:…] [--key <file>]`;

const options = {
  repository: { type: "string" },
  file: { type: "string" },
  image: { type: "string" },
  format: { type: "string", default: "spdx-json" },
  output: { type: "string" },
  key: { type: "string" },
} as const;

interface Call {
  readonly names: readonly string[];
  readonly values: Readonly<Partial<Record<keyof typeof options, string>>>;
  readonly projectFolder: string;
  readonly terminal: Terminal;
}

function stackOf({ names }: Call): string {
  const [stack] = names;
  if (stack === undefined) throw new UsageError(`the name of a stack is missing; ${usage}`);
  return stack;
}

/** The image to look at: named on the command line, else that of the stack file. */
function referenceOf(call: Call): string {
  const { image } = call.values;
  if (image !== undefined) {
    if (!/@sha256:[0-9a-f]{64}$/.test(image))
      throw new UsageError(
        `--image must be repository@sha256:…; got ${image}; a tag could name another image tomorrow`,
      );
    return image;
  }
  const stack = stackOf(call);
  const { plan, build } = planStack(call.projectFolder, stack);
  if (build !== undefined)
    throw new UsageError(
      `the image of ${stack} is built by pulumi up; name its digest: --image "$(pulumi stack output image --stack ${stack})"`,
    );
  return plan.environment.image.reference;
}

/** The stack lock with the digest of one tag; everything else, comments too, stays as it stands. */
function withDigest(text: string, tag: string, digest: string): string {
  const place = new RegExp(`(tag: ${tag.replaceAll(".", String.raw`\.`)}, digest: )(null|sha256:[0-9a-f]{64})`);
  if (!place.test(text))
    throw new UsageError(`the digest of ${tag} has no place: its line must read "tag: ${tag}, digest: …"`);
  return text.replace(place, `$1${digest}`);
}

/** Looks up every digest of the stack lock and writes it there; comments and order stay. */
function resolve({ values, terminal }: Call): number {
  const file = values.file ?? versionsFile;
  const text = readFileSync(file, "utf8");
  const versions = parseVersions(text);
  const repository = values.repository ?? versions.baseRepositories[0] ?? "";
  const tool = firstThere(registryTools, "looking up a digest");
  let changed = text;
  let missing = 0;
  for (const { tag, digest } of versions.bases) {
    const { code, output, errors } = runProgram(digestQuery[tool](`${repository}:${tag}`));
    const found = /sha256:[0-9a-f]{64}/.exec(output)?.[0];
    if (code !== 0 || found === undefined) {
      missing += 1;
      terminal.printError(`${tag}: no digest: ${errors.trim().split("\n").at(-1)}\n`);
      continue;
    }
    const state = digest === found ? "unchanged" : digest === null ? "new" : `was ${digest}`;
    terminal.print(`${tag}: ${found} (${state})\n`);
    changed = withDigest(changed, tag, found);
  }
  writeFileSync(file, changed);
  return missing === 0 ? 0 : 1;
}

const quoted = (word: string): string =>
  /^[\w./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** The same build as `pulumi up`, as one command line. */
function command(call: Call): number {
  const stack = stackOf(call);
  const { build } = planStack(call.projectFolder, stack);
  if (build === undefined)
    throw new UsageError(`the image of ${stack} is given by reference; there is nothing to build`);
  const words = buildxCommand(build, imagesFolder).map(quoted);
  call.terminal.print(`${words.join(" ").replaceAll(" --", " \\\n  --")}\n`);
  return 0;
}

function sbom(call: Call): number {
  const { format = "spdx-json", output } = call.values;
  if (format !== "spdx-json" && format !== "cyclonedx-json")
    throw new UsageError(`--format is spdx-json or cyclonedx-json, not ${format}`);
  if (output === undefined) throw new UsageError(`--output is missing; ${usage}`);
  const reference = referenceOf(call);
  firstThere(["syft"], "listing an image's contents");
  mustRun(sbomCommand(reference, format, output), "listing the image's contents", { isShown: true });
  call.terminal.print(`${output}: contents of ${reference}\n`);
  return 0;
}

function sign(call: Call): number {
  const { key } = call.values;
  if (key === undefined) throw new UsageError(`--key is missing; ${usage}`);
  const reference = referenceOf(call);
  firstThere(["cosign"], "signing");
  const folder = mkdtempSync(join(tmpdir(), "ascend-sign-"));
  try {
    const configuration = join(folder, "signing-config.json");
    mustRun(signingConfigurationCommand(configuration), "preparing a signature");
    mustRun(signCommand(reference, key, configuration), "signing", { isShown: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  call.terminal.print(`signed ${reference}\n`);
  return 0;
}

/** The key on the command line, else the stack's own, as a file. */
function withKey<Result>(call: Call, use: (file: string) => Result): Result {
  if (call.values.key !== undefined) return use(call.values.key);
  const signature = planStack(call.projectFolder, stackOf(call)).plan.environment.image.signature;
  if (signature === undefined)
    throw new UsageError("no key: the stack file has no image.signature.publicKey, and --key is missing");
  const folder = mkdtempSync(join(tmpdir(), "ascend-key-"));
  try {
    const file = join(folder, "cosign.pub");
    writeFileSync(file, signature.publicKey);
    return use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function verify(call: Call): number {
  const reference = referenceOf(call);
  firstThere(["cosign"], "verifying a signature");
  withKey(call, (key) => mustRun(verifyCommand(reference, key), `${reference} is not signed by this key`));
  call.terminal.print(`${reference} is signed by this key\n`);
  return 0;
}

const actions: Readonly<Record<string, (call: Call) => number>> = { resolve, command, sbom, sign, verify };

/** Runs the command; returns the exit code. */
export function imageCommand(words: readonly string[], projectFolder: string, terminal: Terminal): number {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; ${usage}`);
  }
  const [name = "", ...names] = parsed.positionals;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw new UsageError(name === "" ? usage : `unknown ${name}; ${usage}`);
  return action({ names, values: parsed.values, projectFolder, terminal });
}

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], allowPositionals: true, strict: true, options });
