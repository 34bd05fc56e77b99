/**
 * Plain data with one text replaced by something else wherever a value is exactly that text. For the name of an image that is not
 * built yet: a part of a longer text, such as a stage's file that records the name, stays as it is.
 */
export function replaceValue(data: unknown, text: string, replacement: unknown): unknown {
  if (data === text) return replacement;
  if (Array.isArray(data)) return data.map((item) => replaceValue(item, text, replacement));
  if (data === null || typeof data !== "object") return data;
  return Object.fromEntries(Object.entries(data).map(([key, inner]) => [key, replaceValue(inner, text, replacement)]));
}
