/** The provider as the engine sees it: each call of Pulumi's provider protocol, wired to the function that does it. */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import type * as wire from "@pulumi/pulumi/proto/provider_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { type Autonaming, checkResource } from "./check.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { compareConfigurations, configurationFailures, readConfiguration } from "./configuration.ts";
import { createObject, previewCreate } from "./create.ts";
import { diffObjects, pathText } from "./diff.ts";
import { connectEngineLog, type EngineLog } from "./engine-log.ts";
import { ProviderError } from "./errors.ts";
import { refusalFor, standInDescription } from "./official.ts";
import { hasContent, type OperationOptions, type WrittenObject } from "./operation.ts";
import { toKubernetes } from "./property-values.ts";
import { readObject } from "./read.ts";
import { deleteObject } from "./remove.ts";
import { answer, PartialFailure, refuse, toJson, toStruct } from "./rpc.ts";
import { openSession, type Session } from "./session.ts";
import { nameOfUrn, parseToken, typeOfUrn } from "./tokens.ts";
import { updateObject } from "./update.ts";

/** One plugin process: what it was configured with, and how to stop what it waits for. */
interface Instance {
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly cancellation: AbortController;
  readonly refusal: (what: string) => string;
  log: EngineLog;
  /** Set by Configure; opened at once, awaited at first use. */
  session: Promise<Session> | undefined;
}

const sessionOf = ({ session }: Instance): Promise<Session> => {
  if (session === undefined)
    throw new ProviderError("The provider was not configured: its settings are not known yet.");
  return session;
};

function handshake(instance: Instance, request: wire.ProviderHandshakeRequest): wire.ProviderHandshakeResponse {
  instance.log = connectEngineLog(request.getEngineAddress());
  const response = new messages.ProviderHandshakeResponse();
  response.setSupportsAutonamingConfiguration(true);
  response.setAcceptSecrets(true);
  response.setAcceptResources(true);
  return response;
}

function pluginInfo({ version }: Instance): pluginMessages.PluginInfo {
  const info = new pluginMessages.PluginInfo();
  info.setVersion(version);
  return info;
}

function schema({ version }: Instance): wire.GetSchemaResponse {
  const response = new messages.GetSchemaResponse();
  response.setSchema(
    JSON.stringify({ name: "kubernetes", version, description: standInDescription, config: {}, resources: {} }),
  );
  return response;
}

function checkConfig({ refusal }: Instance, request: wire.CheckRequest): wire.CheckResponse {
  const response = new messages.CheckResponse();
  response.setInputs(request.getNews());
  for (const { property, reason } of configurationFailures(toJson(request.getNews()), refusal)) {
    const failure = new messages.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

function diffConfig({ environment }: Instance, request: wire.DiffRequest): wire.DiffResponse {
  const olds = toJson(request.getOldInputs() ?? request.getOlds());
  const { changed, replacing } = compareConfigurations(olds, toJson(request.getNews()), environment);
  const response = new messages.DiffResponse();
  response.setChanges(
    changed.length > 0 ? messages.DiffResponse.DiffChanges.DIFF_SOME : messages.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setDiffsList([...changed]);
  response.setReplacesList([...replacing]);
  return response;
}

async function configure(instance: Instance, request: wire.ConfigureRequest): Promise<wire.ConfigureResponse> {
  const configuration = readConfiguration(toJson(request.getArgs()), instance.environment, instance.refusal);
  instance.session = openSession(configuration, instance.version, instance.environment);
  await instance.session;
  instance.log.note(standInDescription);
  const response = new messages.ConfigureResponse();
  response.setSupportsAutonamingConfiguration(true);
  response.setAcceptsecrets(true);
  response.setAcceptresources(true);
  response.setSupportspreview(true);
  return response;
}

function autonamingOf(request: wire.CheckRequest): Autonaming | undefined {
  const options = request.getAutonaming();
  if (options === undefined) return undefined;
  const { Mode } = messages.CheckRequest.AutonamingOptions;
  if (options.getMode() === Mode.DISABLE) return { mode: "disable" };
  return { mode: options.getMode() === Mode.ENFORCE ? "enforce" : "propose", proposedName: options.getProposedName() };
}

async function check(instance: Instance, request: wire.CheckRequest): Promise<wire.CheckResponse> {
  const olds = toJson(request.getOlds());
  const resource = {
    type: parseToken(typeOfUrn(request.getUrn()), instance.refusal),
    logicalName: nameOfUrn(request.getUrn()),
    news: toJson(request.getNews()),
    olds: hasContent(olds) ? olds : undefined,
    randomSeed: request.getRandomseed_asU8(),
    autonaming: autonamingOf(request),
  };
  const { discovery, defaultNamespace } = await sessionOf(instance);
  const response = new messages.CheckResponse();
  response.setInputs(toStruct(await checkResource(resource, discovery, defaultNamespace, instance.refusal)));
  return response;
}

async function diff(instance: Instance, request: wire.DiffRequest): Promise<wire.DiffResponse> {
  const { configuration } = await sessionOf(instance);
  const checkpoint = readCheckpoint(toJson(request.getOlds()));
  const oldInputs = toJson(request.getOldInputs());
  const before = hasContent(oldInputs) ? toKubernetes(oldInputs) : checkpoint.inputs;
  const result = diffObjects(before, toKubernetes(toJson(request.getNews())), checkpoint.live, configuration);
  const { Kind } = messages.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const;
  const response = new messages.DiffResponse();
  const details = response.getDetaileddiffMap();
  for (const { path, kind, isReplacing } of result.changes) {
    const detail = new messages.PropertyDiff();
    detail.setKind(kinds[kind][isReplacing ? 1 : 0]);
    // Paths are those of the inputs; outputs may hold a list in another order.
    detail.setInputdiff(true);
    details.set(pathText(path), detail);
    response.addDiffs(String(path[0]));
    if (isReplacing) response.addReplaces(pathText(path));
  }
  response.setHasdetaileddiff(true);
  response.setDeletebeforereplace(result.isDeletedBeforeReplaced);
  response.setChanges(
    result.changes.length > 0
      ? messages.DiffResponse.DiffChanges.DIFF_SOME
      : messages.DiffResponse.DiffChanges.DIFF_NONE,
  );
  return response;
}

const optionsFor = (instance: Instance, urn: string, isPreview: boolean, timeoutSeconds: number): OperationOptions => ({
  isPreview,
  timeoutSeconds,
  signal: instance.cancellation.signal,
  report: (message) => instance.log.status(urn, message),
});

/** Turns an object that is not ready into the error that makes the engine keep it. */
function requireReady({ id, outputs, failure }: WrittenObject): Omit<WrittenObject, "failure"> {
  if (failure === undefined) return { id, outputs };
  throw new PartialFailure(failure.message, { id, outputs, reasons: failure.reasons });
}

async function create(instance: Instance, request: wire.CreateRequest): Promise<wire.CreateResponse> {
  const session = await sessionOf(instance);
  const properties = toJson(request.getProperties());
  const response = new messages.CreateResponse();
  if (request.getPreview()) {
    response.setProperties(toStruct(await previewCreate(session, properties)));
    return response;
  }
  const options = optionsFor(instance, request.getUrn(), false, request.getTimeout());
  const { id, outputs } = requireReady(await createObject(session, properties, options));
  response.setId(id);
  response.setProperties(toStruct(outputs));
  return response;
}

async function update(instance: Instance, request: wire.UpdateRequest): Promise<wire.UpdateResponse> {
  const session = await sessionOf(instance);
  const options = optionsFor(instance, request.getUrn(), request.getPreview(), request.getTimeout());
  const change = {
    properties: toJson(request.getNews()),
    ignoredChanges: request.getIgnorechangesList(),
    stateManager: readCheckpoint(toJson(request.getOlds())).fieldManager,
  };
  const { outputs } = requireReady(await updateObject(session, change, options));
  const response = new messages.UpdateResponse();
  response.setProperties(toStruct(outputs));
  return response;
}

async function read(instance: Instance, request: wire.ReadRequest): Promise<wire.ReadResponse> {
  const session = await sessionOf(instance);
  const found = await readObject(session, {
    id: request.getId(),
    type: parseToken(typeOfUrn(request.getUrn()), instance.refusal),
    state: toJson(request.getProperties()),
    inputs: toJson(request.getInputs()),
  });
  const response = new messages.ReadResponse();
  // An empty id tells the engine that the object is gone.
  if (found === undefined) return response;
  const { outputs, inputs, failure } = found;
  if (failure !== undefined) {
    throw new PartialFailure(failure.message, { id: request.getId(), outputs, inputs, reasons: failure.reasons });
  }
  response.setId(request.getId());
  response.setProperties(toStruct(outputs));
  response.setInputs(toStruct(inputs));
  return response;
}

async function remove(instance: Instance, request: wire.DeleteRequest): Promise<emptyMessages.Empty> {
  const session = await sessionOf(instance);
  const options = optionsFor(instance, request.getUrn(), false, request.getTimeout());
  await deleteObject(
    session,
    {
      id: request.getId(),
      type: parseToken(typeOfUrn(request.getUrn()), instance.refusal),
      state: toJson(request.getProperties()),
      inputs: toJson(request.getOldInputs()),
    },
    options,
  );
  return new emptyMessages.Empty();
}

/**
 * Makes the handlers of one plugin process.
 *
 * @param version of the official provider in whose place this one stands
 * @param engineAddress from the command line; a newer engine also says it in the handshake
 */
export function providerService(
  version: string,
  engineAddress: string | undefined,
  environment: NodeJS.ProcessEnv,
): UntypedServiceImplementation {
  const refusal = refusalFor(version);
  const instance: Instance = {
    version,
    environment,
    refusal,
    cancellation: new AbortController(),
    log: connectEngineLog(engineAddress),
    session: undefined,
  };
  return {
    handshake: answer((request: wire.ProviderHandshakeRequest) => handshake(instance, request)),
    getPluginInfo: answer(() => pluginInfo(instance)),
    getSchema: answer(() => schema(instance)),
    checkConfig: answer((request: wire.CheckRequest) => checkConfig(instance, request)),
    diffConfig: answer((request: wire.DiffRequest) => diffConfig(instance, request)),
    configure: answer((request: wire.ConfigureRequest) => configure(instance, request)),
    check: answer((request: wire.CheckRequest) => check(instance, request)),
    diff: answer((request: wire.DiffRequest) => diff(instance, request)),
    create: answer((request: wire.CreateRequest) => create(instance, request)),
    read: answer((request: wire.ReadRequest) => read(instance, request)),
    update: answer((request: wire.UpdateRequest) => update(instance, request)),
    delete: answer((request: wire.DeleteRequest) => remove(instance, request)),
    cancel: answer(() => {
      instance.cancellation.abort();
      return new emptyMessages.Empty();
    }),
    attach: answer((request: pluginMessages.PluginAttach) => {
      instance.log = connectEngineLog(request.getAddress());
      return new emptyMessages.Empty();
    }),
    getMapping: answer(() => new messages.GetMappingResponse()),
    getMappings: answer(() => new messages.GetMappingsResponse()),
    invoke: answer((request: wire.InvokeRequest) => {
      throw new ProviderError(refusal(`the function ${request.getTok()}`));
    }),
    construct: answer((request: wire.ConstructRequest) => {
      throw new ProviderError(
        refusal(`components such as ${request.getType()} (Helm charts, YAML files and groups, kustomize)`),
      );
    }),
    call: refuse(refusal("methods of resources")),
    parameterize: refuse(refusal("generated packages")),
  };
}
