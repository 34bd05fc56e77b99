/** Judges a combination of versions by the vendors' rows: supported, untested, or impossible and why, and what is nearest. */
import { type Combination, type VersionedPart, type Versions, versionedParts } from "./versions.ts";

/** What a part is called in messages. */
export const partNames: Readonly<Record<VersionedPart, string>> = {
  transformers: "transformers",
  torchvision: "torchvision",
  torchNpu: "torch_npu",
  torch: "torch",
  python: "Python",
  os: "operating system",
  mindspeed: "MindSpeed",
  megatron: "Megatron-LM",
  cann: "CANN",
  chip: "chip",
  hdk: "driver (Ascend HDK)",
  mindspeedMm: "MindSpeed-MM",
};

/** One thing to say about a combination. */
export interface Remark {
  /** Part whose version is out of place. */
  readonly part: VersionedPart;
  readonly what: string;
  readonly allowed?: readonly string[];
  /** Where the vendor says so. */
  readonly source?: string;
}

/** The verdict on a combination. */
export interface Judgement {
  readonly verdict: "supported" | "untested" | "impossible";
  readonly remarks: readonly Remark[];
  /** Versions to change, and to what, for the nearest supported combination; absent when there is none or nothing is to be changed. */
  readonly nearest?: Combination;
}

/** Whether a version is, or belongs to, one of a list: `25.5` covers `25.5.0` and `25.5.1`. Vendors mix the case of `RC`. */
export function isListed(version: string, list: readonly string[]): boolean {
  const given = version.toLowerCase();
  return list.map((item) => item.toLowerCase()).some((item) => given === item || given.startsWith(`${item}.`));
}

type Lists = Readonly<Partial<Record<VersionedPart, readonly string[]>>>;
const entriesOf = (lists: Lists): readonly (readonly [VersionedPart, readonly string[]])[] =>
  versionedParts.flatMap((part) => {
    const list = lists[part];
    return list === undefined ? [] : [[part, list] as const];
  });

/** Whether every part of the lists is given and listed. */
const meets = (combination: Combination, lists: Lists): boolean =>
  entriesOf(lists).every(([part, list]) => {
    const version = combination[part];
    return version !== undefined && isListed(version, list);
  });

/** Whether a part of the lists is given and not listed: what is not known contradicts nothing. */
const contradicts = (combination: Combination, lists: Lists): boolean =>
  entriesOf(lists).some(([part, list]) => {
    const version = combination[part];
    return version !== undefined && !isListed(version, list);
  });

const nameOf = (combination: Combination, lists: Lists): string =>
  entriesOf(lists)
    .map(([part]) => `${partNames[part]} ${combination[part] ?? ""}`.trim())
    .join(" and ");

function impossibleRemarks({ impossible }: Versions, combination: Combination): readonly Remark[] {
  return impossible
    .filter(
      ({ when, unless }) => meets(combination, when) && (unless === undefined || contradicts(combination, unless)),
    )
    .map(({ when, because, source, nearest }) => {
      const [part] = entriesOf(when)[0] ?? ["mindspeedMm" as const];
      return { part, what: because, allowed: Object.values(nearest), source };
    });
}

function untestedRemarks({ compatibility }: Versions, combination: Combination): readonly Remark[] {
  const rows = compatibility.filter(({ given }) => meets(combination, given));
  const refused = rows.flatMap(({ given, allowed, source }) =>
    entriesOf(allowed).flatMap(([part, list]): readonly Remark[] => {
      const version = combination[part];
      if (version === undefined || isListed(version, list)) return [];
      const what = `the vendor does not list ${partNames[part]} ${version} for ${nameOf(combination, given)}`;
      return [{ part, what, allowed: list, source }];
    }),
  );
  // A row whose own versions are not given may apply: then it is enough that it lists the version.
  const isKnown = (part: VersionedPart, version: string): boolean =>
    compatibility.some(
      ({ given, allowed }) =>
        !contradicts(combination, given) && isListed(version, [...(given[part] ?? []), ...(allowed[part] ?? [])]),
    );
  const isRefused = (part: VersionedPart): boolean => refused.some((remark) => remark.part === part);
  const unknown = versionedParts.flatMap((part): readonly Remark[] => {
    const version = combination[part];
    if (version === undefined || isRefused(part) || isKnown(part, version)) return [];
    return [{ part, what: `no vendor's table knows ${partNames[part]} ${version} in this combination` }];
  });
  return [...refused, ...unknown];
}

/** The verdict alone. */
function verdictOf(versions: Versions, combination: Combination): Judgement {
  const impossible = impossibleRemarks(versions, combination);
  if (impossible.length > 0) return { verdict: "impossible", remarks: impossible };
  const untested = untestedRemarks(versions, combination);
  return untested.length > 0 ? { verdict: "untested", remarks: untested } : { verdict: "supported", remarks: [] };
}

/** Versions of a part that any row names, those of the project's own stack first. */
function candidatesOf(versions: Versions, part: VersionedPart): readonly string[] {
  const { stack } = versions;
  const own: Combination = {
    ...stack,
    mindspeedMm: stack.mindspeedMm.version,
    mindspeed: stack.mindspeed.commit,
    megatron: stack.megatron.version,
  };
  const rows = versions.compatibility.flatMap(({ given, allowed }) => [
    ...(given[part] ?? []),
    ...(allowed[part] ?? []),
  ]);
  return [...new Set([...(own[part] === undefined ? [] : [own[part]]), ...rows])];
}

/** All choices of `size` parts, those that are cheapest to change first. */
function choices(parts: readonly VersionedPart[], size: number): readonly (readonly VersionedPart[])[] {
  if (size === 0) return [[]];
  return parts.flatMap((part, index) => choices(parts.slice(index + 1), size - 1).map((rest) => [part, ...rest]));
}

const changes = (versions: Versions, parts: readonly VersionedPart[]): readonly Combination[] =>
  parts.reduce<readonly Combination[]>(
    (combinations, part) =>
      combinations.flatMap((combination) =>
        candidatesOf(versions, part).map((version) => ({ ...combination, [part]: version })),
      ),
    [{}],
  );

/** More changes than this are another stack altogether: then the project's own is proposed. */
const mostChanges = 3;

/** The fewest changes that make a combination supported; among equally many, those that are cheapest to carry out. */
function nearestTo(versions: Versions, combination: Combination): Combination | undefined {
  const given = versionedParts.filter((part) => combination[part] !== undefined);
  for (let size = 1; size <= Math.min(mostChanges, given.length); size += 1) {
    for (const parts of choices(given, size)) {
      const found = changes(versions, parts).find(
        (change) => verdictOf(versions, { ...combination, ...change }).verdict === "supported",
      );
      if (found !== undefined) return found;
    }
  }
  const own = Object.fromEntries(given.map((part) => [part, candidatesOf(versions, part)[0] ?? combination[part]]));
  return verdictOf(versions, own).verdict === "supported" ? own : undefined;
}

/** Judges a combination. Parts that are not given are taken to fit. */
export function judge(versions: Versions, combination: Combination): Judgement {
  const judgement = verdictOf(versions, combination);
  if (judgement.verdict === "supported") return judgement;
  const nearest = nearestTo(versions, combination);
  return { ...judgement, ...(nearest === undefined ? {} : { nearest }) };
}

/** A change in words: `CANN 9.0.0, Python 3.10`. */
export const combinationText = (combination: Combination): string =>
  versionedParts
    .filter((part) => combination[part] !== undefined)
    .map((part) => `${partNames[part]} ${combination[part]}`)
    .join(", ");

/** Label of a node that carries the version of its driver; the device plugin sets it. */
export const driverVersionLabel = "huawei.com/driver.version";

/**
 * Judges the driver of a node for an image. For checks against a live cluster.
 *
 * @param labels the node's labels; without the driver's nothing can be said, and the result is undefined
 */
export function judgeNode(
  versions: Versions,
  image: Combination,
  labels: Readonly<Record<string, string>>,
): Judgement | undefined {
  const driver = labels[driverVersionLabel];
  return driver === undefined ? undefined : judge(versions, { ...image, hdk: driver });
}
