/** Arguments of `buildctl build` for a Dockerfile, as a pure function. */

/** One build. */
export interface BuildRequest {
  /** Folder whose files the Dockerfile may copy. */
  readonly context: string;
  /** Folder that holds the file `Dockerfile`. */
  readonly dockerfile: string;
  /** Where the image is pushed to; without it nothing leaves the builder. */
  readonly push?: string;
  /** Stage to stop at. */
  readonly target?: string;
  readonly buildArguments?: Readonly<Record<string, string>>;
  /** Images that stand in for what `FROM` names. */
  readonly namedContexts?: Readonly<Record<string, string>>;
  /** Files that single steps may read and no layer keeps, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly useCache?: boolean;
  readonly metadataFile?: string;
  /** Asks the frontend something instead of building, e.g. `frontend.lint`. */
  readonly frontendRequest?: string;
}

const each = (values: Readonly<Record<string, string>> | undefined, words: (name: string, value: string) => string[]) =>
  Object.entries(values ?? {}).flatMap(([name, value]) => words(name, value));

/** Layers are compressed lightly: images of tests live for minutes. */
const imageOutput = "oci-mediatypes=true,rewrite-timestamp=true,compression=gzip,compression-level=1";

/** The arguments. Pushed images have file times cut to SOURCE_DATE_EPOCH, so that equal input gives an equal digest. */
export function buildArguments(request: BuildRequest): readonly string[] {
  return [
    ...["build", "--progress=plain", "--frontend", "dockerfile.v0"],
    ...["--local", `context=${request.context}`, "--local", `dockerfile=${request.dockerfile}`],
    ...(request.target === undefined ? [] : ["--opt", `target=${request.target}`]),
    ...each(request.buildArguments, (name, value) => ["--opt", `build-arg:${name}=${value}`]),
    ...each(request.namedContexts, (name, value) => ["--opt", `context:${name}=docker-image://${value}`]),
    ...each(request.secrets, (name, file) => ["--secret", `id=${name},src=${file}`]),
    ...(request.frontendRequest === undefined ? [] : ["--opt", `requestid=${request.frontendRequest}`]),
    ...(request.useCache === false ? ["--no-cache"] : []),
    ...(request.push === undefined ? [] : ["--output", `type=image,name=${request.push},push=true,${imageOutput}`]),
    ...(request.metadataFile === undefined ? [] : ["--metadata-file", request.metadataFile]),
  ];
}
