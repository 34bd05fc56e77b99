/** Every environment variable that ascend-stacks knows. Others are passed on untouched, unless they look like a misspelt known one. */
import { editDistance, nearestWords } from "../config/nearest.ts";
import { communicationVariables } from "./communication-variables.ts";
import { guideVariables, megatronVariables } from "./guide-variables.ts";
import type { KnownVariable } from "./known-variable.ts";
import { programVariables } from "./program-variables.ts";

/** The catalogue in parts, as the reference page shows it. */
export const variableGroups: readonly {
  readonly english: string;
  readonly chinese: string;
  readonly variables: readonly KnownVariable[];
}[] = [
  { english: "The guide's table", chinese: "指南列出的环境变量", variables: guideVariables },
  { english: "Megatron", chinese: "Megatron", variables: megatronVariables },
  { english: "Communication between ranks", chinese: "通信", variables: communicationVariables },
  { english: "Programs, caches, devices", chinese: "程序、缓存与设备", variables: programVariables },
];

/** All of them, each once. */
export const knownVariables: readonly KnownVariable[] = variableGroups.flatMap(({ variables }) => variables);

const byName: ReadonlyMap<string, KnownVariable> = new Map(
  knownVariables.map((variable) => [variable.name, variable] as const),
);

/** The catalogue's entry of exactly this name. */
export const variableOf = (name: string): KnownVariable | undefined => byName.get(name);

/** Edits that a misspelling may be away from the name that was meant: one for each six letters, three at most. */
const tolerance = (name: string): number => Math.min(3, Math.floor(name.length / 6));

/** Known names that an unknown one was probably meant to be; empty for a variable of its own. Case counts for nothing. */
export function meantVariables(name: string): readonly string[] {
  if (byName.has(name)) return [];
  const near = knownVariables
    .map((variable) => variable.name)
    .filter((known) => editDistance(name.toUpperCase(), known) <= tolerance(known));
  return nearestWords(name, near);
}
