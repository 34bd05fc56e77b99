/**
 * Nearest valid settings: which few changes of a refused layout make it acceptable.
 *
 * Uniform-cost search over the choices of the settings. In a refused layout at least one setting of its first broken rule has to
 * change, so only those are tried; the first layouts that no rule refuses are therefore the cheapest ones there are.
 */
import { applied, type Choice, choicesOf } from "./choices.ts";
import { type LayoutQuestion, type LayoutRule, type RuleContext, type Setting, settings } from "./facts.ts";
import { Frontier } from "./frontier.ts";
import { layoutOf } from "./layout.ts";

/** A set of changes, after which no rule that the layout can mend refuses it. */
export interface Suggestion {
  /** As a user would write it, e.g. `tensor 2 and context 2`. */
  readonly text: string;
  /** What changes, each setting once. */
  readonly settings: readonly Setting[];
  readonly cost: number;
  /** The question with the changes applied. */
  readonly question: LayoutQuestion;
}

type Choices = Readonly<Record<Setting, readonly Choice[]>>;
type Refusal = (question: LayoutQuestion) => LayoutRule | undefined;

/** One set of changes on the way: those of the parent, and one choice more. */
interface State {
  readonly cost: number;
  readonly parent?: State;
  /** Choices of one setting by rising cost, and which of them is taken here. */
  readonly options: readonly Choice[];
  readonly index: number;
}

/** A question with its layout. */
export const contextOf = (question: LayoutQuestion): RuleContext => ({
  ...question,
  layout: layoutOf(question.request, question.batch, question.nodes * question.npusPerNode, question.model.layers),
});

const costOf = (changes: readonly Choice[]): number => changes.reduce((sum, { cost }) => sum + cost, 0);

function suggestionOf(question: LayoutQuestion, changes: readonly Choice[]): Suggestion {
  const sorted = [...changes].sort((left, right) => settings.indexOf(left.setting) - settings.indexOf(right.setting));
  return {
    text: sorted.map(({ text }) => text).join(" and "),
    settings: sorted.map(({ setting }) => setting),
    cost: costOf(changes),
    question: applied(question, changes),
  };
}

/** Changes as a key that does not depend on their order. */
const keyOf = (changes: readonly Choice[]): string =>
  changes
    .map(({ text }) => text)
    .sort()
    .join("|");

function changesOf(state: State): readonly Choice[] {
  const choice = state.options[state.index];
  const earlier = state.parent === undefined ? [] : changesOf(state.parent);
  return choice === undefined ? earlier : [...earlier, choice];
}

/** A state with one option taken; undefined when there are no more options. */
function taken(options: readonly Choice[], index: number, parent: State): State | undefined {
  const choice = options[index];
  return choice === undefined ? undefined : { parent, options, index, cost: parent.cost + choice.cost };
}

/** Layouts that the search looks at before it gives up looking for cheaper ones. */
const patience = 100;

/**
 * The cheapest sets of changes, as far as patience goes. Of the choices for one setting only the cheapest is put in line; when its
 * turn comes, the next one follows.
 */
function cheapest(
  question: LayoutQuestion,
  choices: Choices,
  refusal: Refusal,
  limit: number,
): readonly (readonly Choice[])[] {
  const frontier = new Frontier<State>();
  const queue = (state: State | undefined): void => {
    if (state !== undefined) frontier.push(state);
  };
  const seen = new Set<string>();
  const found: (readonly Choice[])[] = [];
  queue({ cost: 0, options: [], index: 0 });
  for (let looked = 0; looked < patience && found.length < limit; looked += 1) {
    const state = frontier.pop();
    if (state === undefined) break;
    if (state.parent !== undefined) queue(taken(state.options, state.index + 1, state.parent));
    const changes = changesOf(state);
    // A layout that holds a whole suggestion and more is no better than that suggestion.
    if (found.some((suggestion) => suggestion.every((change) => changes.includes(change)))) continue;
    const key = keyOf(changes);
    if (seen.has(key)) continue;
    seen.add(key);
    const broken = refusal(applied(question, changes));
    if (broken === undefined) found.push(changes);
    for (const setting of broken?.mendedBy ?? []) {
      if (!changes.some((change) => change.setting === setting)) queue(taken(choices[setting], 0, state));
    }
  }
  return found;
}

/**
 * What is left when no cheap set is found: everything at its simplest, then as much as possible of what the user asked for, setting
 * by setting.
 */
function restored(question: LayoutQuestion, choices: Choices, refusal: Refusal): readonly Choice[] | undefined {
  const isAccepted = (changes: readonly Choice[]): boolean => refusal(applied(question, changes)) === undefined;
  const simplest = settings.flatMap((setting) => choices[setting].filter(({ isSimplest }) => isSimplest).slice(0, 1));
  let changes = [simplest, ...choices.global.map((choice) => [...simplest, choice])].find(isAccepted);
  for (const setting of settings) {
    const others: readonly Choice[] = changes?.filter((change) => change.setting !== setting) ?? [];
    const nearer = [[], ...choices[setting].map((choice) => [choice])].map((choice) => [...others, ...choice]);
    changes = changes === undefined ? undefined : (nearer.find(isAccepted) ?? changes);
  }
  return changes;
}

/** The cheapest changes that make a refused layout acceptable to all the rules, cheapest first; none when it is acceptable. */
export function suggestionsFor(
  question: LayoutQuestion,
  rules: readonly LayoutRule[],
  limit = 3,
): readonly Suggestion[] {
  const mendable = rules.filter(({ severity, mendedBy }) => severity === "error" && mendedBy.length > 0);
  const refusal: Refusal = (candidate) => {
    const context = contextOf(candidate);
    return mendable.find((rule) => rule.isBroken(context));
  };
  if (refusal(question) === undefined) return [];
  const choices = choicesOf(question);
  const found = cheapest(question, choices, refusal, limit);
  const last = found.length > 0 ? undefined : restored(question, choices, refusal);
  return [...found, ...(last === undefined ? [] : [last])].map((changes) => suggestionOf(question, changes));
}
