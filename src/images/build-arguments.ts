/** Build arguments of the Dockerfile, from the stack lock and what an environment chooses. */
import type { Versions } from "./versions.ts";

/**
 * Time that all files of the image carry, in seconds since 1970: 2026-01-01. A fixed time makes equal input give an equal digest; it
 * lies after 1980, before which the archives of Python packages have no times.
 */
export const sourceDateEpoch = "1767225600";

/** What an environment chooses. */
export interface BuildChoices {
  /** CANN base image by digest. */
  readonly base: string;
  readonly chip: string;
  readonly os: string;
  readonly python: string;
  readonly apex: string;
  readonly gitHosts?: readonly string[];
  /** Hash of everything that goes into the build. */
  readonly content: string;
}

/** The arguments, by their name in the Dockerfile. */
export function buildArguments({ stack }: Versions, choices: BuildChoices): Readonly<Record<string, string>> {
  return {
    BASE_IMAGE: choices.base,
    SOURCE_DATE_EPOCH: sourceDateEpoch,
    CHIP: choices.chip,
    OS: choices.os,
    PYTHON_VERSION: choices.python,
    APEX: choices.apex,
    CANN_VERSION: stack.cann,
    TORCH_VERSION: stack.torch,
    TORCH_NPU_VERSION: stack.torchNpu,
    TORCHVISION_VERSION: stack.torchvision,
    TRANSFORMERS_VERSION: stack.transformers,
    MINDSPEED_MM_VERSION: stack.mindspeedMm.version,
    MINDSPEED_MM_REPOSITORY: stack.mindspeedMm.repository,
    MINDSPEED_MM_COMMIT: stack.mindspeedMm.commit,
    MINDSPEED_VERSION: stack.mindspeed.version,
    MINDSPEED_REPOSITORY: stack.mindspeed.repository,
    MINDSPEED_COMMIT: stack.mindspeed.commit,
    MEGATRON_VERSION: stack.megatron.version,
    MEGATRON_REPOSITORY: stack.megatron.repository,
    MEGATRON_COMMIT: stack.megatron.commit,
    DECORD_VERSION: stack.decord.version,
    DECORD_REPOSITORY: stack.decord.repository,
    DECORD_COMMIT: stack.decord.commit,
    FFMPEG_VERSION: stack.ffmpeg.version,
    FFMPEG_URL: stack.ffmpeg.url,
    FFMPEG_SHA256: stack.ffmpeg.sha256,
    ...(choices.gitHosts === undefined ? {} : { GIT_HOSTS: choices.gitHosts.join(" ") }),
    BUILD_CONTENT: choices.content,
  };
}
