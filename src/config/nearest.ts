/** Nearest known words: what a misspelt key or value was probably meant to be. */

/** Edits (insert, delete, replace) that turn one word into the other. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** The known words nearest to a given one, nearest first; those that share less than about half of their letters are left out. */
export function nearestWords(word: string, known: readonly string[], limit = 3): readonly string[] {
  const short = word.slice(0, 100).toLowerCase();
  return known
    .map((candidate) => ({ candidate, distance: editDistance(short, candidate.toLowerCase()) }))
    .filter(
      ({ candidate, distance }) => distance <= Math.max(2, Math.floor(Math.max(short.length, candidate.length) / 2)),
    )
    .sort((first, second) => first.distance - second.distance || (first.candidate < second.candidate ? -1 : 1))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}
