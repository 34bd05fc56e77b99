import { describe, expect, it } from "vitest";
import { editDistance, nearestWords } from "./nearest.ts";

describe("edit distance", () => {
  it.each([
    ["", "", 0],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
    ["queue", "qeue", 1],
  ])("%j to %j is %i", (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe("nearest words", () => {
  it("come nearest first, and far ones not at all", () => {
    expect(nearestWords("tensr", ["context", "tensor", "sequence"])).toEqual(["tensor"]);
    expect(nearestWords("zzzzzzzzzz", ["context", "tensor"])).toEqual([]);
    expect(nearestWords("a", ["c", "b"])).toEqual(["b", "c"]);
  });
});
