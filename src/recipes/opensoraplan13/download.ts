/** Brings weights from a hub or a mirror: one stage a repository, resumable and checked by the in-pod runtime. */
import { posix } from "node:path";
import { artifactIdentity } from "../../stages/artifacts.ts";
import type { Artifact, StagePlan } from "../../stages/stage-plan.ts";
import type { RunFinding } from "./rules.ts";
import { processorStage } from "./stage-parts.ts";
import type { DownloadRepository } from "./surface/download.ts";
import type { TaskContext } from "./task.ts";

/** What the hub's listing promises below a pattern, as a pattern of files that must be there. */
const requiredFiles = ({ files, patterns }: DownloadRepository): readonly string[] => [
  ...files.map((file) => file.replace(/@[0-9a-fA-F]{64}$/, "")),
  ...patterns,
];

/** A repository's files on the weights volume. The program goes on where an earlier attempt stopped, so it writes in place. */
function downloaded({ environment, run }: TaskContext, source: DownloadRepository): Artifact {
  const { hub, layout } = run.download;
  const identity = artifactIdentity("download", "opensoraplan1.3", {}, { ...source, hub, layout });
  return {
    kind: "download",
    title: `files of ${source.repository}`,
    volume: "weights",
    path: posix.join(environment.storage.weights.mountPath, source.folder),
    identity,
    requiredFiles: requiredFiles(source),
    isWrittenInPlace: true,
    remedy: "run the stage download",
  };
}

const sizes = { processorCores: 4, memoryGiB: 8 } as const;

/** The stages of the download. */
export function downloads(context: TaskContext): readonly StagePlan[] {
  const { environment, run } = context;
  const { hub, layout, tokenVariable, repositories, timeoutMinutes } = run.download;
  return repositories.map((source) => {
    const output = downloaded(context, source);
    const program = [
      ...["python3", environment.image.runtimeFolder, "download"],
      ...["--source", hub, "--layout", layout],
      ...["--repository", source.repository, "--revision", source.revision],
      ...source.files.flatMap((file) => ["--file", file]),
      ...source.patterns.flatMap((pattern) => ["--pattern", pattern]),
      ...["--target", output.path],
      ...(tokenVariable === undefined ? [] : ["--token-variable", tokenVariable]),
    ];
    return processorStage(
      context,
      { ...sizes, timeoutMinutes },
      { stage: "download", program, inputs: [], outputs: [output], volumes: ["weights"] },
    );
  });
}

/** Downloads that a stage waits for: those into a folder that holds one of its inputs. None when nothing is downloaded. */
export function awaitedDownloads(context: TaskContext, inputs: readonly Artifact[]): readonly Artifact[] {
  const listed: readonly string[] = context.run.stages;
  if (!listed.includes("download")) return [];
  const isInside = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);
  return context.run.download.repositories
    .map((source) => downloaded(context, source))
    .filter(({ path }) => inputs.some((input) => input.identity === undefined && isInside(input.path, path)));
}

/** Whether a repository brings a file or folder of that path below the weights volume. */
function brings(source: DownloadRepository, path: string): boolean {
  if (path === source.folder) return true;
  if (!path.startsWith(`${source.folder}/`)) return false;
  const inner = path.slice(source.folder.length + 1);
  const folderOf = (pattern: string): string => pattern.slice(0, Math.max(0, pattern.lastIndexOf("/")));
  return requiredFiles(source).some(
    (pattern) => pattern === inner || pattern.startsWith(`${inner}/`) || folderOf(pattern) === posix.dirname(inner),
  );
}

function bringsSources(context: TaskContext): readonly RunFinding[] {
  const { sources, download } = context.run;
  return Object.entries(sources).flatMap(([name, path]): readonly RunFinding[] => {
    if (download.repositories.some((source) => brings(source, path))) return [];
    const places = download.repositories.flatMap((source) =>
      requiredFiles(source).map((pattern) => posix.join(source.folder, pattern)),
    );
    return [
      {
        severity: "error",
        rule: "download-brings-sources",
        path: ["sources", name],
        what: "no downloaded repository brings these weights",
        got: path,
        allowed: places.join(", "),
        remedy: `set sources.${name} to where they arrive, or download.repositories to what is needed`,
      },
    ];
  });
}

function repositoriesAreSound(context: TaskContext): readonly RunFinding[] {
  const { download, secretVariables } = context.run;
  const empty = download.repositories.flatMap(({ repository, files, patterns }, index): readonly RunFinding[] =>
    files.length + patterns.length > 0
      ? []
      : [
          {
            severity: "error",
            rule: "download-names-files",
            path: ["download", "repositories", index],
            what: `nothing is named that ${repository} is to bring`,
            got: "neither files nor patterns",
            allowed: "files, patterns or both",
          },
        ],
  );
  const listless = download.repositories.flatMap(({ patterns }, index): readonly RunFinding[] =>
    download.layout === "hub" || patterns.length === 0
      ? []
      : [
          {
            severity: "error",
            rule: "download-names-files",
            path: ["download", "repositories", index, "patterns"],
            what: "a plain mirror has no listing that patterns could be looked up in",
            got: patterns.join(", "),
            allowed: "files",
            remedy: "name each file in files",
          },
        ],
  );
  const { tokenVariable } = download;
  const isSecret = tokenVariable === undefined || Object.hasOwn(secretVariables, tokenVariable);
  return [
    ...empty,
    ...listless,
    ...(isSecret
      ? []
      : [
          {
            severity: "error" as const,
            rule: "download-token-is-secret",
            path: ["download", "tokenVariable"],
            what: "the token must come from a Secret of the cluster",
            got: tokenVariable,
            allowed: Object.keys(secretVariables).join(", ") || "a name of secretVariables",
            remedy: `add secretVariables.${tokenVariable} with secret and key`,
          },
        ]),
  ];
}

/** Every finding about a listed download. */
export function downloadProblems(context: TaskContext): readonly RunFinding[] {
  const listed: readonly string[] = context.run.stages;
  return listed.includes("download") ? [...repositoriesAreSound(context), ...bringsSources(context)] : [];
}
