/** The stack lock `images/versions.yaml`: which versions the training image holds, and what vendors say of versions that go together. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** Parts of an image, and of the node under it, whose versions decide whether training can run. */
export const versionedParts = [
  "transformers",
  "torchvision",
  "torchNpu",
  "torch",
  "python",
  "os",
  "mindspeed",
  "megatron",
  "cann",
  "chip",
  "hdk",
  "mindspeedMm",
] as const;

/** One of them. `hdk` is the driver package of the node, `mindspeed` a commit. */
export type VersionedPart = (typeof versionedParts)[number];

/** Versions of some parts. */
export type Combination = Readonly<Partial<Record<VersionedPart, string>>>;

const version = z.union([z.string(), z.number()]).transform(String);
const commit = z.string().regex(/^[0-9a-f]{40}$/);
const versionLists = z.partialRecord(z.enum(versionedParts), z.array(version).min(1));
const versionMap = z.partialRecord(z.enum(versionedParts), version);

const gitSource = z.strictObject({
  version,
  tag: z.string().optional(),
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  commit,
});

const baseImage = z.strictObject({
  cann: version,
  chip: version,
  os: z.string(),
  python: version,
  tag: z.string(),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .nullable(),
});

const compatibilityRow = z.strictObject({ source: z.string().min(1), given: versionLists, allowed: versionLists });

const impossibleRow = z.strictObject({
  source: z.string().min(1),
  when: versionLists,
  unless: versionLists.optional(),
  because: z.string().min(1),
  nearest: versionMap,
});

const versionsSchema = z.strictObject({
  schema: z.literal(1),
  stack: z.strictObject({
    mindspeedMm: gitSource,
    mindspeed: gitSource,
    megatron: gitSource,
    decord: gitSource,
    ffmpeg: z.strictObject({
      version,
      url: z.url(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      libraries: z.record(z.string(), z.int()),
    }),
    hdk: version,
    cann: version,
    python: version,
    torch: version,
    torchNpu: version,
    torchvision: version,
    numpy: version,
    transformers: version,
    diffusers: version,
    accelerate: version,
    peft: version,
    apex: version,
    os: z.string(),
  }),
  bases: z.array(baseImage).min(1),
  baseRepositories: z.array(z.string()).min(1),
  compatibility: z.array(compatibilityRow).min(1),
  impossible: z.array(impossibleRow),
});

/** The whole file. */
export type Versions = z.infer<typeof versionsSchema>;
/** A base image that the project knows. */
export type BaseImage = z.infer<typeof baseImage>;
/** What a vendor says of versions that go together. */
export type CompatibilityRow = z.infer<typeof compatibilityRow>;
/** Versions that cannot go together, and why. */
export type ImpossibleRow = z.infer<typeof impossibleRow>;

/** Folder `images` of the project, which holds the lock and the build's files. */
export const imagesFolder = join(import.meta.dirname, "..", "..", "images");

/** Path of the stack lock. */
export const versionsFile = join(imagesFolder, "versions.yaml");

/**
 * Reads the text of a stack lock.
 *
 * @throws Error saying where it is wrong; the file is the project's own, so this is no mistake of a user
 */
export function parseVersions(text: string): Versions {
  const result = versionsSchema.safeParse(parse(text));
  if (result.success) return result.data;
  throw new Error(`images/versions.yaml: ${z.prettifyError(result.error)}`);
}

/** Reads the project's stack lock. */
export const readVersions = (): Versions => parseVersions(readFileSync(versionsFile, "utf8"));

/** The versions that the project's own image holds, for one chip. */
export const lockedCombination = ({ stack }: Versions, chip: string): Required<Omit<Combination, "hdk">> => ({
  mindspeedMm: stack.mindspeedMm.version,
  mindspeed: stack.mindspeed.commit,
  megatron: stack.megatron.version,
  cann: stack.cann,
  python: stack.python,
  torch: stack.torch,
  torchNpu: stack.torchNpu,
  torchvision: stack.torchvision,
  transformers: stack.transformers,
  os: stack.os,
  chip,
});
