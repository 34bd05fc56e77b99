/**
 * The command line options that the programs of MindSpeed-MM v26.0.0 accept (`pretrain_sora.py`, `inference_sora.py`,
 * `evaluate_gen.py`, `get_sora_feature.py` share one parser). A project registers its options over those below it, so a later table wins.
 */
import { nearestWords } from "../config/nearest.ts";
import type { OptionKind, OptionTable } from "./option-kinds.ts";
import { megatronInfrastructureOptions } from "./options/megatron-infrastructure.ts";
import { megatronModelOptions } from "./options/megatron-model.ts";
import { megatronTrainingOptions } from "./options/megatron-training.ts";
import { mindSpeedOptions } from "./options/mindspeed.ts";
import { mindSpeedMultimodalOptions } from "./options/mindspeed-mm.ts";

/** An option as upstream registers it. */
export interface KnownOption {
  /** Upstream's spelling without the leading dashes; a few names hold underscores. */
  readonly name: string;
  readonly kind: OptionKind;
  /** The project whose registration counts. */
  readonly project: string;
}

const tables: readonly { readonly project: string; readonly options: OptionTable }[] = [
  { project: "Megatron-LM core_v0.12.1", options: megatronTrainingOptions },
  { project: "Megatron-LM core_v0.12.1", options: megatronInfrastructureOptions },
  { project: "Megatron-LM core_v0.12.1", options: megatronModelOptions },
  { project: "MindSpeed 5176c6f5", options: mindSpeedOptions },
  { project: "MindSpeed-MM v26.0.0", options: mindSpeedMultimodalOptions },
];

/** One form for all spellings of an option: with or without leading dashes, dashes or underscores inside. */
export const normalisedName = (spelling: string): string => spelling.replace(/^--?/, "").replaceAll("_", "-");

const byName: ReadonlyMap<string, KnownOption> = new Map(
  tables.flatMap(({ project, options }) =>
    Object.entries(options).map(([name, kind]) => [normalisedName(name), { name, kind, project }] as const),
  ),
);

/** Every known option, by name. */
export const knownOptions: readonly KnownOption[] = [...byName.values()].sort((left, right) =>
  left.name < right.name ? -1 : 1,
);

/** The option of that name, in any spelling. */
export const optionOf = (spelling: string): KnownOption | undefined => byName.get(normalisedName(spelling));

/** The known options nearest to a name, in the user's own form; there is always one. */
export function nearestOptions(spelling: string): readonly string[] {
  const names = knownOptions.map(({ name }) => name);
  const near = nearestWords(normalisedName(spelling), names);
  return near.length > 0 ? near : closestName(normalisedName(spelling), names);
}

/** For a word unlike every option: the option that shares most of its parts. */
function closestName(name: string, names: readonly string[]): readonly string[] {
  const parts = new Set(name.split("-"));
  const shared = (candidate: string): number => candidate.split("-").filter((part) => parts.has(part)).length;
  const [best] = [...names].sort(
    (left, right) => shared(right) - shared(left) || left.length - right.length || (left < right ? -1 : 1),
  );
  return best === undefined ? [] : [best];
}
