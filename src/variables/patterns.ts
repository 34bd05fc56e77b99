/** Parsers of values that hold more than one word: each says what is wrong with a value, or nothing. */
import type { PatternCheck } from "./known-variable.ts";

const isWhole = (text: string): boolean => /^[0-9]{1,9}$/.test(text);

/** `0`, `1` or `2`, then optionally ranges of cores for each NPU and the switch `npu_affine`. */
export const affinity: PatternCheck = (value) => {
  const [mode = "", ...options] = value.split(",");
  if (!["0", "1", "2"].includes(mode)) return `the mode "${mode}" is not 0, 1 or 2`;
  const seen = new Set<string>();
  for (const option of options) {
    const [key = "", choice] = option.split(":");
    if (seen.has(key)) return `"${key}" is given twice`;
    seen.add(key);
    if (key === "npu_affine") {
      if (choice !== "0" && choice !== "1") return "npu_affine is 0 or 1";
      continue;
    }
    const cores = /^npu[0-9]{1,2}:([0-9]{1,5})-([0-9]{1,5})$/.exec(option);
    if (cores === null) return `"${option}" is not of the form npu0:0-23`;
    if (Number(cores[1]) > Number(cores[2])) return `the cores of "${option}" run backwards`;
  }
  return undefined;
};

type OptionCheck = (value: string) => string | undefined;

const between = (key: string, minimum: number, maximum: number): OptionCheck => {
  return (value) => {
    const isInside = isWhole(value) && Number(value) >= minimum && Number(value) <= maximum;
    return isInside ? undefined : `${key} is a whole number from ${minimum} to ${maximum}`;
  };
};

/** Options of the NPU memory allocator; sizes in MB. Source: torch_npu's reference of PYTORCH_NPU_ALLOC_CONF. */
const allocatorOptions: Readonly<Record<string, OptionCheck>> = {
  expandable_segments: (value) =>
    ["True", "False"].includes(value) ? undefined : "expandable_segments is True or False",
  max_split_size_mb: (value) =>
    isWhole(value) && Number(value) > 20 ? undefined : "max_split_size_mb is a whole number above 20",
  garbage_collection_threshold: (value) => {
    const isInside = /^0?\.[0-9]+$/.test(value) && Number(value) > 0 && Number(value) < 1;
    return isInside ? undefined : "garbage_collection_threshold lies between 0 and 1";
  },
  page_size: (value) => (value === "1g" ? undefined : "page_size is 1g"),
  segment_size_mb: between("segment_size_mb", 20, 512),
};

/** Options `name:value`, separated by commas. */
export const allocator: PatternCheck = (value) => {
  const given = new Map<string, string>();
  for (const option of value.split(",")) {
    const parts = option.split(":");
    const [key = "", choice = ""] = parts;
    const check = Object.hasOwn(allocatorOptions, key) ? allocatorOptions[key] : undefined;
    if (parts.length !== 2 || check === undefined)
      return `"${option}" is not an option of the allocator (${Object.keys(allocatorOptions).join(", ")})`;
    if (given.has(key)) return `"${key}" is given twice`;
    given.set(key, choice);
    const wrong = check(choice);
    if (wrong !== undefined) return wrong;
  }
  const excluded = ["max_split_size_mb", "garbage_collection_threshold"].find((key) => given.has(key));
  return given.get("expandable_segments") === "True" && excluded !== undefined
    ? `expandable_segments:True excludes ${excluded}`
    : undefined;
};

const interfaceName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;

/** Names or prefixes of network interfaces, all meant (`eth`, `=eth0`) or all excluded (`^docker`, `^=lo`), separated by commas. */
export const hcclInterface: PatternCheck = (value) => {
  const names = value.replace(/^\^?=?/, "").split(",");
  const wrong = names.find((name) => !interfaceName.test(name));
  return wrong === undefined ? undefined : `"${wrong}" is not the name or the start of a network interface`;
};

/** The exact name of an interface, or several: gloo and tensorpipe know no prefixes. */
export const plainInterface: PatternCheck = (value) => {
  const wrong = value.split(",").find((name) => !interfaceName.test(name));
  return wrong === undefined ? undefined : `"${wrong}" is not the name of a network interface`;
};

/** An IPv4 or IPv6 address. */
export const address: PatternCheck = (value) => {
  const isFour = /^([0-9]{1,3}\.){3}[0-9]{1,3}$/.test(value) && value.split(".").every((part) => Number(part) <= 255);
  const isSix = /^[0-9A-Fa-f:]{2,39}$/.test(value) && value.split(":").length > 2;
  return isFour || isSix ? undefined : "the value is not an IP address";
};

/** `auto`, or ports and ranges of ports from 1 to 65535, separated by commas. */
export const portRange: PatternCheck = (value) => {
  if (value === "auto") return undefined;
  for (const range of value.split(",")) {
    const [first = "", last = first, ...rest] = range.split("-");
    const isPort = (text: string): boolean => isWhole(text) && Number(text) >= 1 && Number(text) <= 65_535;
    if (rest.length > 0 || !isPort(first) || !isPort(last) || Number(first) > Number(last))
      return `"${range}" is not a range of ports such as 60000-60050`;
  }
  return undefined;
};

/** Numbers separated by commas, each once. */
export const numberList: PatternCheck = (value) => {
  const numbers = value.split(",");
  if (!numbers.every(isWhole)) return "the value is not a list of numbers such as 0,1,2";
  return new Set(numbers).size === numbers.length ? undefined : "a number is given twice";
};

/** An absolute path. */
export const absolutePath: PatternCheck = (value) =>
  value.startsWith("/") && !/\p{Cc}/u.test(value) ? undefined : "the value is not an absolute path";

/** Levels and their switch: `L0:0, L1:1, L2:1`. */
export const retryLevels: PatternCheck = (value) => {
  const wrong = value.split(",").find((level) => !/^L[0-2]:[01]$/.test(level.trim()));
  return wrong === undefined ? undefined : `"${wrong.trim()}" is not of the form L1:1`;
};

/** `MaxCnt:3, HoldTime:5000, IntervalTime:1000`, times in milliseconds. */
export const retryParameters: PatternCheck = (value) => {
  const wrong = value.split(",").find((part) => !/^(MaxCnt|HoldTime|IntervalTime):[0-9]{1,9}$/.test(part.trim()));
  return wrong === undefined ? undefined : `"${wrong.trim()}" is not MaxCnt, HoldTime or IntervalTime with a number`;
};
